"""REST chat: the answer, waiting for it, and who may ask."""

from __future__ import annotations

import threading
import time
from contextvars import copy_context
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from conversations import services
from conversations.api.chat import wait_seconds
from conversations.models import Conversation, Message
from conversations.services import chat
from core import tenancy
from core.tenancy import TenantContext
from tenants.selectors import membership_for
from tenants.tokens.families import token_family_begin
from tests.factories.conversations import answer, citation_make

PATH = "/api/v1/chat/message"


@pytest.fixture
def caller(api_key: Any) -> Any:
    """Return a function that posts to the chat with an API key."""
    keys: dict[str, str] = {}

    def call(body: Any, slug: str = "acme", prefer: str = "wait=0", **headers: Any) -> Any:
        key = keys.setdefault(slug, api_key(slug, "conversations:write", "conversations:read"))
        client = Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {key}"})
        return client.post(
            PATH, body, content_type="application/json", headers={"Prefer": prefer, **headers}
        )

    return call


def test_message_without_a_reply_is_pending_with_an_address(
    caller: Any, acme: TenantContext
) -> None:
    response = caller({"message": "How long?", "user_id": "u-1"})
    body = response.json()
    assert (response.status_code, body["status"]) == (202, "pending")
    assert response["Location"] == body["status_url"]
    assert response["Preference-Applied"] == "wait=0"
    assert (body["reply"], body["route"], body["run_id"]) == (None, None, None)


def test_status_shows_the_reply_with_route_and_run(
    caller: Any, in_acme: TenantContext, api_key: Any
) -> None:
    body = caller({"message": "How long?", "user_id": "u-1"}).json()
    run_id = uuid4()
    services.reply_append(
        conversation_id=UUID(body["conversation_id"]),
        fence=1,
        answered_seq=1,
        run_id=run_id,
        text="Thirty days [1].",
        citations=[citation_make()],
        route={"tier": "SLM_A", "confidence": 0.9},
    )
    key = api_key("acme", "conversations:read")
    client = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {key}"})
    answered = client.get(body["status_url"].replace("http://acme.localhost", "")).json()
    assert answered["status"] == "answered"
    assert answered["reply"]["citations"][0]["number"] == 1
    assert answered["route"] == {"tier": "SLM_A", "confidence": 0.9}
    assert answered["run_id"] == str(run_id)


def test_the_same_user_goes_on_in_the_same_conversation(caller: Any, acme: TenantContext) -> None:
    first = caller({"message": "one", "user_id": "u-1"}).json()
    second = caller({"message": "two", "user_id": "u-1"}).json()
    other = caller({"message": "one", "user_id": "u-2"}).json()
    named = caller({"message": "three", "conversation_id": first["conversation_id"]}).json()
    assert first["conversation_id"] == second["conversation_id"] == named["conversation_id"]
    assert other["conversation_id"] != first["conversation_id"]


def test_client_id_makes_a_repetition_harmless(caller: Any, in_acme: TenantContext) -> None:
    body = {"message": "one", "user_id": "u-1", "client_id": "once"}
    assert caller(body).json()["message_id"] == caller(body).json()["message_id"]
    assert Message.objects.count() == 1


def test_context_is_kept_with_the_conversation(caller: Any, in_acme: TenantContext) -> None:
    caller({"message": "one", "user_id": "u-1", "context": {"page": "/cart", "items": 2}})
    assert Conversation.objects.get().context == {"client": {"page": "/cart", "items": 2}}


def test_conversation_with_a_person_says_so(
    caller: Any, in_acme: TenantContext, people: Any
) -> None:
    body = caller({"message": "one", "user_id": "u-1"}).json()
    services.handover_request(
        conversation_id=UUID(body["conversation_id"]), fence=None, reason="requested"
    )
    response = caller({"message": "Anybody?", "user_id": "u-1"}, prefer="wait=5")
    assert (response.status_code, response.json()["status"]) == (200, "with_person")


def test_resolved_without_an_answer_is_not_waited_for(
    caller: Any, in_acme: TenantContext, people: Any
) -> None:
    body = caller({"message": "one", "user_id": "u-1"}).json()
    services.conversation_resolve(
        conversation_id=UUID(body["conversation_id"]), person_id=people["acme", "agent"].pk
    )
    found = chat.chat_answer_wait(
        message_id=UUID(body["message_id"]),
        conversation_id=UUID(body["conversation_id"]),
        seconds=20,
    )
    assert found.status == "resolved"


def test_visitor_goes_on_in_the_widgets_conversation(in_acme: TenantContext) -> None:
    session = services.visitor_session_start(key=services.widget_ensure().key, origin="")
    response = Client(headers={"host": "acme.localhost"}).post(
        PATH,
        {"message": "hi"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {session.visitor_token}", "Prefer": "wait=0"},
    )
    assert response.json()["conversation_id"] == str(session.conversation_id)


BAD_BODIES = [
    ({"user_id": "u"}, "validation_failed"),
    ({"message": "hi", "user_id": "u", "surprise": 1}, "validation_failed"),
    ({"message": "", "user_id": "u"}, "message_empty"),
    ({"message": "x" * 8_001, "user_id": "u"}, "message_too_long"),
    ({"message": "x" * 100_000, "user_id": "u"}, "message_too_long"),
    ({"message": "hi"}, "customer_required"),
    ({"message": "hi", "user_id": "u", "client_id": "a b"}, "client_id_invalid"),
    ({"message": "hi", "user_id": "u", "conversation_id": "nope"}, "validation_failed"),
    ({"message": "hi", "user_id": "u", "context": {"a": "x" * 5_000}}, "validation_failed"),
    ({"message": "hi", "user_id": "u", "conversation_id": str(uuid4())}, "conversation_not_found"),
    ({"message": "hi", "user_id": "u", "tenant_id": "globex"}, "tenant_mismatch"),
    ({"message": ["hi"], "user_id": "u"}, "validation_failed"),
    (["not", "an", "object"], "validation_failed"),
]


@pytest.mark.parametrize(("body", "code"), BAD_BODIES)
def test_bad_body_gets_a_problem_document(
    caller: Any, in_acme: TenantContext, body: Any, code: str
) -> None:
    response = caller(body)
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert not Message.objects.exists()


def test_unknown_field_is_named(caller: Any, acme: TenantContext) -> None:
    problem = caller({"message": "hi", "user_id": "u", "surprise": 1}).json()
    assert problem["errors"] == [
        {"pointer": "/surprise", "code": "unknown_field", "detail": "This field is not known here."}
    ]


def test_text_that_is_not_json_is_refused(caller: Any, acme: TenantContext) -> None:
    response = caller("{not json")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_another_tenants_conversation_is_not_found(
    caller: Any, acme: TenantContext, globex: TenantContext
) -> None:
    theirs = caller({"message": "hi", "user_id": "u"}, slug="globex").json()
    response = caller(
        {"message": "hi", "user_id": "u", "conversation_id": theirs["conversation_id"]}
    )
    assert (response.status_code, response.json()["code"]) == (404, "conversation_not_found")


def test_another_customers_conversation_is_not_found(caller: Any, acme: TenantContext) -> None:
    theirs = caller({"message": "hi", "user_id": "one"}).json()
    response = caller(
        {"message": "hi", "user_id": "two", "conversation_id": theirs["conversation_id"]}
    )
    assert response.status_code == 404


def test_visitor_speaks_for_themselves_only(in_acme: TenantContext) -> None:
    tokens = {}
    for name in ("one", "two"):
        session = services.visitor_session_start(key=services.widget_ensure().key, origin="")
        tokens[name] = session
    client = Client(headers={"host": "acme.localhost"})

    def post(name: str, body: Any) -> Any:
        bearer = {"Authorization": f"Bearer {tokens[name].visitor_token}", "Prefer": "wait=0"}
        return client.post(PATH, body, content_type="application/json", headers=bearer)

    mine = {"message": "hi", "conversation_id": str(tokens["one"].conversation_id)}
    said = post("one", mine)
    assert said.status_code == 202
    assert post("two", mine).status_code == 404
    status = said.json()["status_url"].replace("http://acme.localhost", "")
    for name, expected in (("one", 200), ("two", 404)):
        bearer = {"Authorization": f"Bearer {tokens[name].visitor_token}"}
        assert client.get(status, headers=bearer).status_code == expected


@pytest.mark.parametrize(
    ("bearer", "code"),
    [
        ("", "unauthenticated"),
        ("Bearer x", "visitor_token_invalid"),
        ("Bearer fd_x", "api_key_invalid"),
    ],
)
def test_stranger_gets_401(acme: TenantContext, bearer: str, code: str) -> None:
    headers = {"Authorization": bearer} if bearer else {}
    client = Client(headers={"host": "acme.localhost"})
    response = client.post(
        PATH, {"message": "hi", "user_id": "u"}, content_type="application/json", headers=headers
    )
    assert (response.status_code, response.json()["code"]) == (401, code)


def test_key_without_the_scope_is_refused(api_key: Any, acme: TenantContext) -> None:
    key = api_key("acme", "knowledge:read")
    client = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {key}"})
    response = client.post(PATH, {"message": "hi", "user_id": "u"}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("", 20), ("wait=3", 3), ("respond-async, wait=10", 10), ("wait=9999", 30), ("wait=x", 20)],
)
def test_prefer_says_how_long_to_wait(prefer: str, seconds: int) -> None:
    assert wait_seconds(prefer) == seconds


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_as_soon_as_the_reply_is_there(caller: Any, world: Any) -> None:
    acme = world.tenants["acme"]

    def reply_when_asked() -> None:
        with tenancy.tenant_scope(acme):
            while not Message.objects.exists():
                time.sleep(0.02)
            time.sleep(0.2)
            answer(Message.objects.get().conversation_id)
            connection.close()

    thread = threading.Thread(target=copy_context().run, args=(reply_when_asked,))
    thread.start()
    began = time.monotonic()
    response = caller({"message": "How long?", "user_id": "u-1"}, prefer="wait=10")
    thread.join(10)
    assert time.monotonic() - began < 5
    assert response.status_code == 200
    assert response.json()["reply"]["text"] == "Thirty days [1]."


def test_when_too_many_wait_already_nobody_else_does(
    caller: Any, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "_places", threading.BoundedSemaphore(1))
    assert chat._places.acquire()
    began = time.monotonic()
    assert caller({"message": "hi", "user_id": "u"}, prefer="wait=10").status_code == 202
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("context", [{"a\x00": 1}, {"a": ["\x00"]}, {"a": {"b": "\ud800"}}])
def test_context_that_cannot_be_stored_is_refused(caller: Any, context: dict[str, Any]) -> None:
    response = caller({"message": "hello", "user_id": "u", "context": context})
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/context"


def test_member_speaks_with_an_access_token(in_acme: TenantContext, people: Any) -> None:
    membership = membership_for(person_id=people["acme", "agent"].pk)
    assert membership is not None
    token = token_family_begin(membership=membership).access_token
    for bearer, status in ((token, 202), (f"{token[:-9]}AAAAAAAAA", 401)):
        answer = Client(headers={"host": "acme.localhost"}).post(
            PATH,
            {"message": "hi", "user_id": "u"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {bearer}", "Prefer": "wait=0"},
        )
        assert answer.status_code == status
    assert answer.json()["code"] == "token_invalid"
