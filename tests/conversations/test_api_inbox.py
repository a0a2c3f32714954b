"""REST of the inbox: lists, messages, claim, reply, hand back, resolve."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from conversations.models import Conversation
from conversations.services import handover_request
from core import tenancy
from core.tenancy import TenantContext
from tenants.selectors import membership_for
from tenants.tokens.families import token_family_begin
from tests.factories.conversations import answer, conversation_make, say

BASE = "/api/v1/conversations"


@pytest.fixture
def machine(api_key: Any) -> Any:
    """Return a function that gives a client with an API key."""

    def client(slug: str = "acme", *scopes: Any) -> Any:
        key = api_key(slug, *(scopes or ("conversations:read", "conversations:write")))
        return Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {key}"})

    return client


@pytest.fixture
def waiting(in_acme: TenantContext) -> Any:
    conversation = conversation_make()
    say(conversation.pk, "Where is my parcel?")
    handover_request(conversation_id=conversation.pk, fence=None, reason="requested")
    return conversation


def post(client: Any, path: str, body: Any = None) -> Any:
    return client.post(path, body or {}, content_type="application/json")


def test_list_shows_own_tenants_conversations_newest_first(
    machine: Any, waiting: Conversation, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        say(conversation_make().pk, "Theirs")
    second = conversation_make()
    say(second.pk, "Second")
    conversation_make()  # nobody has said anything: not shown
    found = machine().get(BASE).json()["results"]
    assert [row["id"] for row in found] == [str(second.pk), str(waiting.pk)]
    assert (found[1]["state"], found[1]["queue"], found[1]["seq"]) == ("queued", "general", 2)


def test_list_pages_by_cursor(machine: Any, in_acme: TenantContext) -> None:
    made = [conversation_make() for _ in range(5)]
    for conversation in made:
        say(conversation.pk)
    client, seen, url = machine(), [], f"{BASE}?page_size=2"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == [str(conversation.pk) for conversation in reversed(made)]


def test_list_filters_by_state(machine: Any, waiting: Conversation) -> None:
    other = conversation_make()
    say(other.pk, "How long is the warranty?")
    client = machine()

    def ids(query: str) -> Any:
        return [row["id"] for row in client.get(f"{BASE}?{query}").json()["results"]]

    assert ids("state=queued") == [str(waiting.pk)]
    assert ids("state=ai") == [str(other.pk)]
    assert client.get(f"{BASE}?state=lost").json()["code"] == "validation_failed"


def test_messages_come_in_order(machine: Any, in_acme: TenantContext) -> None:
    conversation = conversation_make()
    say(conversation.pk, "How long?")
    answer(conversation.pk)
    found = machine().get(f"{BASE}/{conversation.pk}/messages").json()["results"]
    assert [(row["seq"], row["author"]) for row in found] == [(1, "visitor"), (2, "ai")]
    assert found[1]["citations"][0]["title"] == "Returns policy"


def test_member_claims_replies_and_resolves(
    sign_in: Any, waiting: Conversation, people: Any
) -> None:
    client = sign_in("acme", "agent")
    claimed = post(client, f"{BASE}/{waiting.pk}/claim").json()
    assert (claimed["state"], claimed["owner_id"]) == ("assigned", str(people["acme", "agent"].pk))
    said = {"client_id": "a-1", "text": "Hello!"}
    for _ in range(2):
        replied = post(client, f"{BASE}/{waiting.pk}/messages", said)
        assert (replied.status_code, replied.json()["seq"]) == (201, 4)
    conflict = post(sign_in("acme", "admin"), f"{BASE}/{waiting.pk}/claim")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "already_claimed")
    assert conflict.json()["agent"] == people["acme", "agent"].display_name
    assert post(client, f"{BASE}/{waiting.pk}/hand-back").json()["state"] == "ai"
    assert post(client, f"{BASE}/{waiting.pk}/resolve").json()["state"] == "resolved"


def test_machine_names_the_person_who_acts(
    machine: Any, waiting: Conversation, people: Any
) -> None:
    client = machine()
    assert post(client, f"{BASE}/{waiting.pk}/claim").json()["code"] == "person_required"
    agent, stranger = people["acme", "agent"].pk, people["globex", "agent"].pk
    refused = post(client, f"{BASE}/{waiting.pk}/claim", {"person_id": str(stranger)})
    assert refused.json()["code"] == "person_not_found"
    claimed = post(client, f"{BASE}/{waiting.pk}/claim", {"person_id": str(agent)})
    assert claimed.json()["owner_id"] == str(agent)


def test_member_cannot_act_as_another(sign_in: Any, waiting: Conversation, people: Any) -> None:
    body = {"person_id": str(people["acme", "admin"].pk)}
    refused = post(sign_in("acme", "agent"), f"{BASE}/{waiting.pk}/claim", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "person_required")


@pytest.mark.parametrize("action", ["claim", "hand-back", "resolve", "messages"])
def test_unknown_field_is_refused_everywhere(
    sign_in: Any, waiting: Conversation, action: str
) -> None:
    refused = post(sign_in("acme", "agent"), f"{BASE}/{waiting.pk}/{action}", {"force": True})
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_failed")


PATHS = ["", "/messages", "/claim", "/hand-back", "/resolve"]


@pytest.mark.parametrize("path", PATHS)
def test_another_tenants_conversation_is_not_found(
    machine: Any, people: Any, waiting: Conversation, path: str
) -> None:
    client = machine("globex")
    body = {"person_id": str(people["globex", "agent"].pk)}
    if path == "/messages":
        body |= {"client_id": "x", "text": "hi"}
    url = f"{BASE}/{waiting.pk}{path}"
    responses = [client.get(url)] if path in {"", "/messages"} else []
    responses += [post(client, url, body)] if path else []
    for response in responses:
        assert (response.status_code, response.json()["code"]) == (404, "conversation_not_found")


NOBODYS = "/0192f0c1-2d3e-7abc-8def-0123456789ab"


@pytest.mark.parametrize("path", ["", *[f"{NOBODYS}{path}" for path in PATHS]])
def test_stranger_and_narrow_key_are_refused(machine: Any, acme: TenantContext, path: str) -> None:
    narrow, stranger = machine("acme", "billing:read"), Client(headers={"host": "acme.localhost"})
    method = "get" if path.count("/") < 2 or path.endswith("/messages") else "post"
    assert getattr(narrow, method)(BASE + path).status_code == 403
    assert getattr(stranger, method)(BASE + path).status_code == 401


def test_viewer_reads_and_does_not_act(sign_in: Any, waiting: Conversation) -> None:
    client = sign_in("acme", "viewer")
    assert client.get(f"{BASE}/{waiting.pk}").status_code == 200
    assert post(client, f"{BASE}/{waiting.pk}/claim").json()["code"] == "scope_missing"


def bearer(role: str, people: Any) -> Client:
    """Return a client with the access token of a member of acme."""
    membership = membership_for(person_id=people["acme", role].pk)
    assert membership is not None
    token = token_family_begin(membership=membership).access_token
    return Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {token}"})


def test_member_with_a_token_acts_as_themselves_alone(waiting: Conversation, people: Any) -> None:
    client, other = bearer("agent", people), str(people["acme", "admin"].pk)
    refused = post(client, f"{BASE}/{waiting.pk}/claim", {"person_id": other})
    assert refused.json()["code"] == "person_required"
    claimed = post(client, f"{BASE}/{waiting.pk}/claim").json()
    assert claimed["owner_id"] == str(people["acme", "agent"].pk)


def test_viewers_token_claims_nothing(waiting: Conversation, people: Any) -> None:
    answer = post(bearer("viewer", people), f"{BASE}/{waiting.pk}/claim")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
