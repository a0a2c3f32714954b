"""The heartbeat: positions repair what broadcasts lost, and members who left are let go."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation
from conversations.services import handover_request
from core import tenancy
from core.realtime import connection
from tenants.models import Membership
from tests.conversations.lines import Connect
from tests.factories.conversations import conversation_make, say


@pytest.fixture(autouse=True)
def _quick_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEARTBEAT_SECONDS", 0.2)


def test_lost_broadcast_is_repaired_at_the_next_beat(
    visitor: Any, chat: Connect, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = visitor()
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        with monkeypatch.context() as silent:
            silent.setattr("conversations.announce.broadcast", lambda *_, **__: None)
            with tenancy.tenant_scope(world.tenants["acme"]):
                say(someone.conversation_id, "Unheard")
        pong = line.hear("pong", seq=1)
        assert pong["conversation"] == str(someone.conversation_id)
        line.drain(0.1)
        assert [frame["text"] for frame in line.messages()] == ["Unheard"]


def test_who_waits_is_told_their_place_at_every_beat(
    visitor: Any, chat: Connect, world: Any
) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        first = conversation_make()
        say(first.pk)
        handover_request(conversation_id=first.pk, fence=None, reason="requested")
        someone = visitor()
        handover_request(conversation_id=someone.conversation_id, fence=None, reason="requested")
    with chat(someone) as line:
        line.say("hello")
        assert line.hear("status")["queue"]["position"] == 2
        with tenancy.tenant_scope(world.tenants["acme"]):
            Conversation.objects.filter(pk=first.pk).update(state="ai", queue="")
        while line.hear("status")["queue"]["position"] != 1:
            pass


def test_member_who_was_removed_is_let_go(
    inbox: Connect, world: Any, people: Any, transactional_db: None
) -> None:
    agent, acme = people["acme", "agent"], world.tenants["acme"]
    with inbox() as line, tenancy.tenant_scope(acme):
        line.say("hello")
        line.hear("welcome")
        Membership.objects.filter(person=agent, tenant_id=acme.id).delete()
        try:
            assert line.closed() == 4401
        finally:
            Membership.objects.create(person=agent, tenant_id=acme.id, role="agent")


def test_agent_hears_the_positions_of_what_is_open(
    inbox: Connect, world: Any, transactional_db: None
) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        conversation = conversation_make()
        say(conversation.pk)
    with inbox() as line:
        line.say("hello")
        line.say("open", conversation=str(conversation.pk))
        line.hear("opened")
        positions = line.hear("pong")["positions"]
        assert [position["seq"] for position in positions] == [1]
