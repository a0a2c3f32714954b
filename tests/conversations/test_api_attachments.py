"""REST of attachments: who may upload, who gets a file, and how it is handed to a browser."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations import services
from conversations.models import Attachment, Conversation, Message
from conversations.services.visitors import visitor_token_sign
from conversations.types import ATTACHMENT_BYTES
from core import tenancy
from core.tenancy import TenantContext
from tests.conversations.files import PDF, png
from tests.factories.conversations import attachment_make, conversation_make


@pytest.fixture
def conversation(in_acme: TenantContext) -> Conversation:
    return conversation_make()


def visiting(conversation: Conversation, slug: str = "acme") -> Client:
    token = visitor_token_sign(conversation.customer_id)
    return Client(headers={"host": f"{slug}.localhost", "authorization": f"Bearer {token}"})


def upload(
    client: Client, conversation: Conversation, name: str = "tent.png", content: bytes = b"",
    **fields: Any,
) -> Any:  # fmt: skip
    file = SimpleUploadedFile("placeholder", content or png())
    vars(file)["_name"] = name  # what a browser would not send, a script may
    path = f"/api/v1/conversations/{conversation.pk}/attachments"
    return client.post(path, {"file": file, **fields})


def sent(conversation: Conversation, **made: Any) -> Attachment:
    attachment = attachment_make(conversation.pk, **made)
    services.message_receive(
        conversation_id=conversation.pk,
        client_id=uuid4().hex,
        text="",
        attachments=[attachment.pk],
    )
    return attachment


def test_visitor_uploads_and_says_it(conversation: Conversation) -> None:
    client = visiting(conversation)
    answer = upload(client, conversation)
    part = answer.json()
    assert (answer.status_code, part["name"], part["media_type"]) == (201, "tent.png", "image/png")
    assert (part["width"], part["height"], part["size"]) == (2, 3, len(png()))
    said = client.post(
        "/api/v1/chat/message",
        {"message": "", "attachments": [part["id"]], "conversation_id": str(conversation.pk)},
        content_type="application/json",
        headers={"Prefer": "wait=0"},
    )
    assert said.status_code == 202
    assert Message.objects.get().attachments[0]["id"] == part["id"]
    assert client.get(part["url"]).content == png()


def test_agent_uploads_and_replies_with_it(
    conversation: Conversation, sign_in: Any, people: dict[tuple[str, str], Any]
) -> None:
    services.conversation_claim(
        conversation_id=conversation.pk, person_id=people["acme", "agent"].pk
    )
    client = sign_in("acme", "agent")
    part = upload(client, conversation, "bill.pdf", PDF).json()
    reply = client.post(
        f"/api/v1/conversations/{conversation.pk}/messages",
        {"text": "", "client_id": "r-1", "attachments": [part["id"]]},
        content_type="application/json",
    )
    assert reply.status_code == 201
    assert reply.json()["attachments"] == [part]
    history = client.get(f"/api/v1/conversations/{conversation.pk}/messages").json()["results"]
    assert history[-1]["attachments"] == [part]
    assert visiting(conversation).get(part["url"]).content == PDF


def test_key_uploads_for_whom_it_names_or_for_the_customer(
    conversation: Conversation, api_key: Any, people: dict[tuple[str, str], Any]
) -> None:
    key = api_key("acme", "conversations:write", "conversations:read")
    client = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {key}"})
    agent = people["acme", "agent"].pk
    upload(client, conversation)
    upload(client, conversation, person_id=str(agent))
    made = set(Attachment.objects.values_list("author", "person_id"))
    assert made == {("visitor", None), ("agent", agent)}
    assert upload(client, conversation, person_id=str(uuid4())).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("tent.png", PDF, 400, "attachment_mismatch"),
        ("run.exe", b"MZ", 400, "attachment_type_unsupported"),
        ("empty.txt", b"", 400, "attachment_empty"),
        ("x" * 240 + ".txt", b"text", 400, "attachment_name_invalid"),
        ("a\u202e.txt\x00", b"text", 201, ""),
        ("large.txt", b"a" * (ATTACHMENT_BYTES + 1), 413, "attachment_too_large"),
    ],
)
def test_bad_file_is_told_by_a_code(
    conversation: Conversation, name: str, content: bytes, status: int, code: str
) -> None:
    client = visiting(conversation)
    file = SimpleUploadedFile("placeholder.txt", content)
    vars(file)["_name"] = name
    path = f"/api/v1/conversations/{conversation.pk}/attachments"
    answer = client.post(path, {"file": file})
    assert (answer.status_code, answer.json().get("code", "")) == (status, code), answer.content
    assert Attachment.objects.count() == (1 if status == 201 else 0)


def test_body_that_says_it_is_too_large_is_refused_unread(conversation: Conversation) -> None:
    answer = visiting(conversation).generic(
        "POST",
        f"/api/v1/conversations/{conversation.pk}/attachments",
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(10**9),
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "attachment_too_large")


@pytest.mark.parametrize("fields", [{}, {"file": "text"}, {"other": "1"}])
def test_form_without_a_file_is_invalid(conversation: Conversation, fields: Any) -> None:
    path = f"/api/v1/conversations/{conversation.pk}/attachments"
    answer = visiting(conversation).post(path, fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_json_is_no_upload(conversation: Conversation) -> None:
    path = f"/api/v1/conversations/{conversation.pk}/attachments"
    answer = visiting(conversation).post(path, {"file": "x"}, content_type="application/json")
    assert answer.status_code == 415


def test_somebody_elses_file_and_conversation_are_not_found(
    conversation: Conversation, globex: TenantContext
) -> None:
    theirs = sent(conversation)
    other = visiting(conversation_make())
    assert other.get(f"/api/v1/attachments/{theirs.pk}").status_code == 404
    assert other.delete(f"/api/v1/attachments/{theirs.pk}").status_code == 404
    assert upload(other, conversation).status_code == 404
    with tenancy.tenant_scope(globex):
        foreign = visiting(conversation_make(), "globex")
    assert foreign.get(f"/api/v1/attachments/{theirs.pk}").status_code == 404
    assert foreign.get(f"/api/v1/attachments/{uuid4()}").status_code == 404
    assert upload(foreign, conversation).status_code == 404


def test_token_of_another_tenant_and_no_token_open_nothing(
    conversation: Conversation, globex: TenantContext
) -> None:
    path = f"/api/v1/attachments/{sent(conversation).pk}"
    with tenancy.tenant_scope(globex):
        token = visitor_token_sign(conversation_make().customer_id)
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        assert Client(headers={"host": "acme.localhost", **headers}).get(path).status_code == 401


def test_upload_that_was_not_sent_is_given_to_nobody(
    conversation: Conversation, sign_in: Any
) -> None:
    path = f"/api/v1/attachments/{attachment_make(conversation.pk).pk}"
    for client in (visiting(conversation), sign_in("acme", "owner")):
        assert client.get(path).status_code == 404


def test_upload_is_removed_by_who_made_it_until_it_is_sent(
    conversation: Conversation, sign_in: Any
) -> None:
    client = visiting(conversation)
    waiting = attachment_make(conversation.pk)
    path = f"/api/v1/attachments/{waiting.pk}"
    assert sign_in("acme", "owner").delete(path).status_code == 404
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    used = sent(conversation)
    assert client.delete(f"/api/v1/attachments/{used.pk}").status_code == 409


@pytest.mark.parametrize(
    ("filename", "content", "disposition"),
    [
        ("tent.png", png(), 'inline; filename="tent.png"'),
        ("bill.pdf", PDF, 'attachment; filename="bill.pdf"'),
        ("page.txt", b"<script>alert(1)</script>", 'attachment; filename="page.txt"'),
        ("Größe.txt", b"3", "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.txt"),
    ],
)
def test_file_cannot_act_as_a_page(
    conversation: Conversation, filename: str, content: bytes, disposition: str
) -> None:
    attachment = sent(conversation, filename=filename, content=content)
    answer = visiting(conversation).get(f"/api/v1/attachments/{attachment.pk}")
    assert answer["Content-Disposition"] == disposition
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].endswith("sandbox")
    assert answer["Cache-Control"].startswith("private")
    assert answer["Content-Type"].split(";")[0] == attachment.media_type


def test_same_upload_under_one_idempotency_key_is_stored_once(conversation: Conversation) -> None:
    client = visiting(conversation)
    ids = set()
    for _ in range(2):
        file = SimpleUploadedFile("tent.png", png())
        answer = client.post(
            f"/api/v1/conversations/{conversation.pk}/attachments",
            {"file": file},
            headers={"Idempotency-Key": "once"},
        )
        ids.add(UUID(answer.json()["id"]))
    assert len(ids) == 1
    assert Attachment.objects.count() == 1
