"""The agents' socket: list updates, open conversations, who may do what."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from conversations import services
from conversations.models import Conversation
from core import tenancy
from tenants.selectors import membership_for
from tenants.services import member_add
from tenants.team import team_member_remove
from tenants.tokens import families
from tenants.tokens.types import TokenPair
from tenants.types import Role
from tests.conversations.lines import Connect
from tests.factories.conversations import conversation_make, say


@pytest.fixture
def waiting(world: Any, transactional_db: None) -> Conversation:
    """A conversation of acme that waits for a person."""
    with tenancy.tenant_scope(world.tenants["acme"]):
        conversation = conversation_make()
        say(conversation.pk, "A person please")
        services.handover_request(conversation_id=conversation.pk, fence=None, reason="requested")
    return conversation


def test_hello_names_the_member(inbox: Connect, people: Any, transactional_db: None) -> None:
    with inbox() as line:
        line.say("hello")
        welcome = line.hear("welcome")
    agent = people["acme", "agent"]
    assert welcome["person"] == {"id": str(agent.pk), "name": agent.display_name}


def test_list_hears_of_handovers_in_its_own_tenant_only(
    inbox: Connect, world: Any, transactional_db: None
) -> None:
    with inbox("acme") as line, inbox("globex") as other:
        for one in (line, other):
            one.say("hello")
            one.hear("welcome")
        with tenancy.tenant_scope(world.tenants["acme"]):
            conversation = conversation_make()
            say(conversation.pk, "Where is my order?")
            services.handover_request(
                conversation_id=conversation.pk, fence=None, reason="complaint"
            )
        line.hear("inbox")
        row = line.hear("inbox")["conversation"]
        assert row["id"] == str(conversation.pk)
        assert (row["state"], row["queue"]) == ("queued", "general")
        assert (row["reason"], row["preview"], row["owner"]) == (
            "complaint", "Where is my order?", None
        )  # fmt: skip
        other.drain()
        assert not [frame for frame in other.heard if frame["type"] == "inbox"]


def test_agent_opens_claims_and_both_type(
    inbox: Connect, chat: Connect, visitor: Any, world: Any, people: Any
) -> None:
    someone = visitor()
    conversation = str(someone.conversation_id)
    agent = people["acme", "agent"]
    with chat(someone) as customer, inbox() as line:
        customer.say("hello")
        customer.say("message", client_id="v-1", text="A person please")
        customer.hear("accepted")
        line.say("hello")
        line.say("open", conversation=conversation)
        opened = line.hear("opened")
        assert (opened["seq"], opened["first"]) == (1, 1)
        assert line.hear("message")["text"] == "A person please"
        line.say("message", conversation=conversation, client_id="a-0", text="Hello?")
        refused = line.hear("error")
        assert (refused["code"], refused["client_id"]) == ("not_assigned_to_you", "a-0")
        with tenancy.tenant_scope(world.tenants["acme"]):
            services.conversation_claim(conversation_id=someone.conversation_id, person_id=agent.pk)
        customer.hear("message", kind="joined")
        line.say("typing", conversation=conversation)
        typing = customer.hear("typing")
        assert (typing["author"], typing["name"]) == ("agent", agent.display_name)
        line.say("message", conversation=conversation, client_id="a-1", text="Hello!")
        assert line.hear("accepted")["seq"] == 3
        reply = customer.hear("message", author="agent")
        assert (reply["text"], reply["name"]) == ("Hello!", agent.display_name)
        customer.say("typing")
        assert line.hear("typing")["author"] == "visitor"


def test_open_resumes_from_a_position(inbox: Connect, waiting: Conversation) -> None:
    with inbox() as line:
        line.say("hello")
        position = {"epoch": waiting.epoch, "seq": 1}
        line.say("open", conversation=str(waiting.pk), resume=position)
        assert line.hear("opened")["resumed"] is True
        line.drain()
        assert [frame["seq"] for frame in line.messages()] == [2]
        line.say("ping")
        assert line.hear("pong")["positions"] == [
            {"conversation": str(waiting.pk), "epoch": waiting.epoch, "seq": 2}
        ]


def test_closed_conversation_is_heard_no_more(
    inbox: Connect, waiting: Conversation, world: Any
) -> None:
    with inbox() as line:
        line.say("hello")
        line.say("open", conversation=str(waiting.pk))
        line.hear("opened")
        line.say("close", conversation=str(waiting.pk))
        line.say("read", conversation=str(waiting.pk), seq=1)
        assert line.hear("error")["code"] == "conversation_not_open"
        with tenancy.tenant_scope(world.tenants["acme"]):
            say(waiting.pk, "Anybody?")
        line.hear("inbox")
        line.drain()
        assert "Anybody?" not in [frame["text"] for frame in line.messages()]


def test_read_lowers_unread_in_every_list(inbox: Connect, waiting: Conversation) -> None:
    with inbox() as line, inbox(role="admin") as other:
        for one in (line, other):
            one.say("hello")
            one.hear("welcome")
        line.say("open", conversation=str(waiting.pk))
        line.say("read", conversation=str(waiting.pk), seq=2)
        assert other.hear("inbox")["conversation"]["unread"] == 0


@pytest.mark.parametrize("type_", ["open", "message", "typing", "read", "close"])
def test_conversation_of_another_tenant_is_not_found(
    inbox: Connect, waiting: Conversation, type_: str
) -> None:
    fields: dict[str, dict[str, Any]] = {
        "open": {},
        "message": {"client_id": "x", "text": "Hi"},
        "typing": {},
        "read": {"seq": 1},
        "close": {},
    }
    with inbox("globex", "owner") as line:
        line.say("hello")
        line.say(type_, conversation=str(waiting.pk), **fields[type_])
        assert line.hear("error")["code"] in {"conversation_not_found", "conversation_not_open"}


def test_open_needs_hello_and_has_a_limit(
    inbox: Connect, waiting: Conversation, world: Any
) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        others = [str(conversation_make().pk) for _ in range(20)]
    with inbox() as line:
        line.say("open", conversation=str(waiting.pk))
        assert line.hear("error")["code"] == "hello_required"
        line.say("hello")
        for conversation in others:
            line.say("open", conversation=conversation)
            line.hear("opened")
        line.say("open", conversation=str(waiting.pk))
        assert line.hear("error")["code"] == "too_many_open"


def test_viewer_reads_and_does_not_write(inbox: Connect, waiting: Conversation) -> None:
    with inbox(role="viewer") as line:
        line.say("hello")
        line.say("open", conversation=str(waiting.pk))
        line.hear("opened")
        line.say("message", conversation=str(waiting.pk), client_id="v", text="Hi")
        assert line.hear("error")["code"] == "scope_missing"


def test_machine_reads_with_a_key_of_this_tenant(
    realtime: Any, api_key: Any, transactional_db: None
) -> None:
    key = api_key("acme", "conversations:read")
    with realtime.line("acme", "/ws/inbox/", token=key) as line:
        line.say("hello")
        assert line.hear("welcome")["person"]["name"] == "test"
        line.say("message", conversation=str(uuid4()), client_id="k", text="Hi")
        assert line.hear("error")["code"] == "scope_missing"
    with realtime.line("globex", "/ws/inbox/", token=key) as line:
        assert line.closed() == 4401
    narrow = api_key("acme", "knowledge:read")
    with realtime.line("acme", "/ws/inbox/", token=narrow) as line:
        assert line.closed() == 4401


def test_session_of_another_tenant_is_refused(
    inbox: Connect, sign_in: Any, transactional_db: None
) -> None:
    cookie = sign_in("globex", "owner").cookies["fd_session"].value
    with inbox("acme", headers={"Cookie": f"fd_session={cookie}"}) as line:
        assert line.closed() == 4401


@pytest.mark.parametrize("cookie", ["", "fd_session=nonsense", "garbage;;;=", "fd_session="])
def test_stranger_is_refused(inbox: Connect, cookie: str, transactional_db: None) -> None:
    with inbox(headers={"Cookie": cookie}) as line:
        assert line.closed() == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://globex.localhost:8000"])
def test_foreign_page_cannot_ride_on_the_cookie(
    inbox: Connect, origin: str, transactional_db: None
) -> None:
    with pytest.raises(InvalidStatus) as refused, inbox(origin=origin):
        pass
    assert refused.value.response.status_code == 403


def token_of(slug: str, role: str, world: Any, *scopes: str) -> TokenPair:
    with tenancy.tenant_scope(world.tenants[slug]):
        membership = membership_for(person_id=world.people[slug, role].pk)
        assert membership is not None
        return families.token_family_begin(membership=membership, scopes=scopes)


def test_member_connects_with_an_access_token_of_this_tenant(
    realtime: Any, world: Any, transactional_db: None
) -> None:
    token = token_of("acme", "agent", world).access_token
    with realtime.line("acme", "/ws/inbox/", token=token) as line:
        line.say("hello")
        assert line.hear("welcome")["person"]["id"] == str(world.people["acme", "agent"].pk)
    with realtime.line("globex", "/ws/inbox/", token=token) as line:
        assert line.closed() == 4401
    narrow = token_of("acme", "agent", world, "knowledge:read").access_token
    with realtime.line("acme", "/ws/inbox/", token=narrow) as line:
        assert line.closed() == 4401


def test_revoked_access_token_opens_no_socket_and_keeps_none(
    realtime: Any, world: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.realtime.connection.HEARTBEAT_SECONDS", 0.5)
    pair = token_of("acme", "agent", world)
    with realtime.line("acme", "/ws/inbox/", token=pair.access_token) as line:
        line.say("hello")
        line.hear("welcome")
        with tenancy.tenant_scope(world.tenants["acme"]):
            families.token_family_revoke(refresh_token=pair.refresh_token)
        assert line.closed() == 4401
    with realtime.line("acme", "/ws/inbox/", token=pair.access_token) as line:
        assert line.closed() == 4401


@pytest.mark.parametrize("by", ["session", "token"])
def test_socket_of_who_leaves_the_team_closes_at_once(
    realtime: Any, inbox: Connect, world: Any, transactional_db: None, by: str
) -> None:
    token = token_of("acme", "admin", world).access_token
    by_token = realtime.line("acme", "/ws/inbox/", token=token)
    person = world.people["acme", "admin"]
    with inbox(role="admin") if by == "session" else by_token as line:
        line.say("hello")
        line.hear("welcome")
        with tenancy.tenant_scope(world.tenants["acme"]):
            owner = membership_for(person_id=world.people["acme", "owner"].pk)
            assert owner is not None
            team_member_remove(actor=owner, person_id=person.pk)
            try:
                assert line.closed() == 4401
            finally:
                member_add(person=person, role=Role.ADMIN)
