"""How many sockets and waiting calls a visitor and a workspace may have at once."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from conversations import services
from conversations.services import chat as chats
from core import tenancy
from core.realtime.closing import Close
from core.redis import redis_client
from tenants.admission.concurrency import Place, places_take
from tests.conftest import Plan
from tests.conversations.lines import Connect, Line


def is_open(line: Line) -> bool:
    line.say("hello")
    return bool(line.take()["type"] == "welcome")


def test_visitor_has_so_many_sockets_and_gets_in_again(
    visitor: Any, chat: Connect, plan: Plan
) -> None:
    plan(concurrent_sockets_per_visitor=2)
    someone, other = visitor(), visitor()
    with chat(someone) as first:
        assert is_open(first)
        with chat(someone) as second:
            assert is_open(second)
            with chat(someone) as third:
                assert third.closed() == Close.TOO_MANY
            with chat(other) as theirs:
                assert is_open(theirs)
        until = time.monotonic() + 5
        while not _gets_in(chat, someone) and time.monotonic() < until:
            time.sleep(0.05)
        assert _gets_in(chat, someone)


def _gets_in(chat: Connect, someone: Any) -> bool:
    from websockets.exceptions import ConnectionClosed

    with chat(someone) as line:
        try:
            return is_open(line)
        except ConnectionClosed:
            return False


def test_workspace_has_so_many_sockets_and_others_have_theirs(
    visitor: Any, chat: Connect, inbox: Connect, plan: Plan
) -> None:
    plan(concurrent_sockets=1)
    with chat(visitor()) as line:
        assert is_open(line)
        with inbox() as agents:
            assert agents.closed() == Close.TOO_MANY
        with chat(visitor("globex")) as theirs:
            assert is_open(theirs)


def test_socket_that_ends_holds_no_place(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        customer = services.visitor_authenticate(visitor_token=someone.token)
        key = Place("visitor_sockets", 1, str(customer.pk)).key
    with chat(someone) as line:
        assert is_open(line)
        assert redis_client().zcard(key) == 1
    until = time.monotonic() + 5
    while redis_client().zcard(key) and time.monotonic() < until:
        time.sleep(0.02)
    assert redis_client().zcard(key) == 0


def test_waiting_call_without_a_place_is_answered_as_it_stands(
    world: Any, plan: Plan, transactional_db: None
) -> None:
    plan(concurrent_waits=1)
    with tenancy.tenant_scope(world.tenants["acme"]):
        received = services.chat_message_receive(
            customer=None, user_id="u-1", conversation_id=None, client_id="c-1", text="hi"
        )
        places_take(places=[Place("waits", 1)], holder="another call")
        assert waited(received.message_id, received.conversation_id) < 0.5
    with tenancy.tenant_scope(world.tenants["globex"]):
        received = services.chat_message_receive(
            customer=None, user_id="u-1", conversation_id=None, client_id="c-1", text="hi"
        )
        assert waited(received.message_id, received.conversation_id) >= 1.0


def waited(message_id: UUID, conversation_id: UUID) -> float:
    began = time.monotonic()
    found = chats.chat_answer_wait(
        message_id=message_id, conversation_id=conversation_id, seconds=1.0
    )
    assert found.status == "pending"
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def _no_places_taken(world: Any) -> None:
    for tenant in world.tenants.values():
        for key in redis_client().scan_iter(f"fd:{tenant.id.hex}:places:*"):
            redis_client().delete(key)


def test_socket_and_rest_of_a_visitor_share_one_bucket(
    visitor: Any, chat: Connect, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": 3}
    someone, other = visitor(), visitor()
    client = Client(headers={"host": "acme.localhost"})

    def post(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=0"}
        body = {"message": "by REST"}
        answer = client.post(
            "/api/v1/chat/message", body, content_type="application/json", headers=headers
        )
        return int(answer.status_code)

    with chat(someone) as line:
        line.say("hello")
        for number in range(2):
            line.say("message", client_id=f"c-{number}", text="by socket")
            line.hear("accepted")
        assert post(someone.token) == 202
        assert post(someone.token) == 429
        line.say("message", client_id="c-9", text="too much")
        refusal = line.hear("error")
        assert (refusal["code"], refusal["client_id"]) == ("rate_limited", "c-9")
        assert refusal["retry_after"] > 0
    assert post(other.token) == 202
