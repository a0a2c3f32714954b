"""A write that is sent twice under one `Idempotency-Key` is carried out once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.utils import timezone

from config.env import BASE_DIR
from conversations import services
from conversations.models import Message
from core import tenancy
from core.idempotency import store
from core.idempotency.models import IdempotencyRecord
from core.idempotency.types import Claim, RecordState, Repeat
from core.tenancy import TenantContext
from knowledge.api import DocumentListView
from knowledge.models import Document

CHAT = "/api/v1/chat/message"
DOCUMENTS = "/api/v1/documents"
SCOPES = ("conversations:write", "conversations:read", "knowledge:read", "knowledge:write")
BODY = {"message": "How long?", "user_id": "u-1"}
Call = Callable[..., Any]


def client_of(secret: str, slug: str = "acme") -> Client:
    return Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {secret}"})


def post(client: Client, key: str, body: Any = BODY, path: str = CHAT, **options: Any) -> Any:
    options.setdefault("content_type", "application/json")
    headers = {"Idempotency-Key": key, "Prefer": "wait=0"}
    return client.post(path, body, headers=headers, **options)


def upload(client: Client, key: str, text: bytes = b"Opening hours: 9 to 5.") -> Any:
    file = SimpleUploadedFile("hours.txt", text, content_type="text/plain")
    return client.post(DOCUMENTS, {"file": file}, headers={"Idempotency-Key": key})


def code_of(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.fixture
def mine(api_key: Any, in_acme: TenantContext) -> Client:
    return client_of(api_key("acme", *SCOPES))


def test_repetition_is_answered_byte_for_byte(mine: Client) -> None:
    first, again = post(mine, "k-1"), post(mine, '"k-1"')
    assert (again.status_code, again.content) == (202, first.content)
    for header in ("Content-Type", "Location", "Preference-Applied", "Retry-After"):
        assert again[header] == first[header]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Message.objects.count() == 1


def test_without_a_key_every_request_counts(mine: Client) -> None:
    for _ in range(2):
        assert mine.post(CHAT, BODY, "application/json", headers={"Prefer": "wait=0"})
    assert Message.objects.count() == 2
    assert not IdempotencyRecord.objects.exists()


def test_key_of_a_different_request_is_refused(mine: Client) -> None:
    post(mine, "k-1")
    other = post(mine, "k-1", {**BODY, "message": "How much?"})
    assert code_of(other) == (422, "idempotency_key_reused")
    assert Message.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", '"', '"a', "x" * 256, "schlüssel"])
def test_malformed_key_is_refused(mine: Client, key: str) -> None:
    assert code_of(post(mine, key)) == (400, "idempotency_key_invalid")
    assert not Message.objects.exists()


def test_refused_request_lets_its_key_go(mine: Client) -> None:
    assert post(mine, "k-1", {"user_id": "u-1"}).status_code == 400
    assert post(mine, "k-1").status_code == 202


def test_stranger_is_refused_before_the_key_is_looked_at(acme: TenantContext) -> None:
    client = Client(headers={"host": "acme.localhost"})
    assert code_of(post(client, "k-1")) == (401, "unauthenticated")


def test_revoked_caller_gets_no_replay(mine: Client, api_key: Any) -> None:
    from tenants.models import ApiKey
    from tenants.services import api_key_revoke

    post(mine, "k-1")
    api_key_revoke(key_id=ApiKey.objects.get().pk)
    assert code_of(post(mine, "k-1")) == (401, "api_key_invalid")


def test_two_tenants_with_one_key_get_their_own_answers(
    mine: Client, api_key: Any, globex: TenantContext
) -> None:
    theirs = client_of(api_key("globex", *SCOPES), "globex")
    first, second = post(theirs, "k-1"), post(mine, "k-1")
    assert first.json()["message_id"] != second.json()["message_id"]
    assert "Idempotency-Replayed" not in second
    with tenancy.tenant_scope(globex):
        assert Message.objects.count() == 1
        assert IdempotencyRecord.objects.count() == 1


def test_two_callers_of_one_tenant_with_one_key_get_their_own_answers(
    mine: Client, api_key: Any, sign_in: Any
) -> None:
    other = client_of(api_key("acme", *SCOPES))
    answers = [post(caller, "k-1") for caller in (mine, other, sign_in())]
    assert len({answer.json()["message_id"] for answer in answers}) == 3
    assert not any("Idempotency-Replayed" in answer for answer in answers)


def test_one_key_on_two_routes_means_two_requests(mine: Client) -> None:
    assert post(mine, "k-1").status_code == 202
    assert upload(mine, "k-1").status_code == 202


def test_upload_is_known_by_its_files(mine: Client) -> None:
    first, again = upload(mine, "k-1"), upload(mine, "k-1")
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert Document.objects.count() == 1
    assert code_of(upload(mine, "k-1", b"Closed.")) == (422, "idempotency_key_reused")


def test_replay_outlives_what_it_made(mine: Client) -> None:
    first = upload(mine, "k-1")
    address = f"{DOCUMENTS}/{first.json()['id']}"
    gone = mine.delete(address, headers={"Idempotency-Key": "k-2"})
    assert gone.status_code == 204
    assert upload(mine, "k-1").content == first.content
    again = mine.delete(address, headers={"Idempotency-Key": "k-2"})
    assert (again.status_code, again["Idempotency-Replayed"]) == (204, "true")
    assert mine.delete(address).status_code == 404
    assert not Document.objects.exists()


def test_answer_over_the_limit_is_not_kept_and_said(
    mine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BODY_LIMIT", 10)
    assert upload(mine, "k-1").status_code == 202
    assert code_of(upload(mine, "k-1")) == (409, "idempotency_answer_not_kept")
    assert Document.objects.count() == 1


def test_expired_key_is_new_again(mine: Client) -> None:
    post(mine, "k-1")
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    assert "Idempotency-Replayed" not in post(mine, "k-1", {**BODY, "message": "How much?"})
    assert Message.objects.count() == 2


def lapsed() -> None:
    values = {"state": RecordState.RUNNING, "lease_until": timezone.now() - timedelta(seconds=1)}
    IdempotencyRecord.objects.update(**values)


def test_broken_off_request_is_in_flight_until_its_lease_ends(mine: Client) -> None:
    first = post(mine, "k-1").json()
    IdempotencyRecord.objects.update(state=RecordState.RUNNING)
    waiting = post(mine, "k-1")
    assert code_of(waiting) == (409, "idempotency_in_flight")
    assert waiting["Retry-After"] == "1"
    lapsed()
    assert post(mine, "k-1").json()["message_id"] == first["message_id"]
    assert Message.objects.count() == 1


def test_broken_off_request_of_a_plain_view_stays_in_doubt(
    mine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DocumentListView, "repeat", Repeat.IN_DOUBT)
    upload(mine, "k-1")
    lapsed()
    assert code_of(upload(mine, "k-1")) == (409, "idempotency_in_doubt")


def claimed() -> Claim:
    found = store.key_claim(scope="s", fingerprint="f", repeat=Repeat.ATOMIC)
    assert isinstance(found, Claim)
    return found


def test_write_that_lost_its_lease_is_undone(in_acme: TenantContext) -> None:
    first = claimed()
    lapsed()
    second = claimed()
    with pytest.raises(store.LeaseLost):
        store.answer_keep(claim=first, answer=None)
    store.answer_keep(claim=second, answer=None)


@pytest.fixture
def committed(world: Any, transactional_db: None) -> Iterator[TenantContext]:
    with tenancy.tenant_scope(world.tenants["acme"]):
        yield world.tenants["acme"]


def test_sweep_deletes_what_expired_of_every_tenant(
    committed: TenantContext, api_key: Any, world: Any
) -> None:
    for slug in ("acme", "globex"):
        client = client_of(api_key(slug, *SCOPES), slug)
        for key in ("old", "new"):
            post(client, key)
    with tenancy.platform_scope():
        old = IdempotencyRecord.objects.order_by("id").values_list("pk", flat=True)[0:3:2]
        IdempotencyRecord.objects.filter(pk__in=list(old)).update(expires_at=timezone.now())
    assert store.expired_delete() == 2
    assert IdempotencyRecord.objects.count() == 1


def test_fifty_at_once_make_one(committed: TenantContext, api_key: Any) -> None:
    secret = api_key("acme", *SCOPES)

    def send(_: int) -> Any:
        with tenancy.public_scope():
            response = post(client_of(secret), "k-1", path=CHAT)
            connections.close_all()
        return response

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(send, range(50)))
    made = [answer for answer in answers if answer.status_code < 400]
    waiting = [answer for answer in answers if answer.status_code >= 400]
    assert len({answer.content for answer in made}) == 1
    assert {code_of(answer) for answer in waiting} <= {(409, "idempotency_in_flight")}
    assert Message.objects.filter(author="visitor").count() == 1


def killed(secret: str, path: str, body: dict[str, Any]) -> None:
    """Send a keyed request from a process of its own that dies in it by SIGKILL."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "TEST_DATABASE": settings.DATABASES["default"]["NAME"],
    }
    module = "tests.core.idempotency.killed_write"
    command = [sys.executable, "-m", module, secret, "k-1", path, json.dumps(body)]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_killed_atomic_write_left_nothing_and_runs_again(
    committed: TenantContext, api_key: Any, people: Any
) -> None:
    secret = api_key("acme", *SCOPES)
    said = post(client_of(secret), "first").json()
    person_id = people["acme", "agent"].pk
    services.conversation_claim(conversation_id=UUID(said["conversation_id"]), person_id=person_id)
    path = f"/api/v1/conversations/{said['conversation_id']}/messages"
    body = {"text": "Thirty days.", "client_id": "c-1", "person_id": str(person_id)}
    replies = Message.objects.filter(author="agent")
    killed(secret, path, body)
    assert not replies.exists()
    waiting = post(client_of(secret), "k-1", body, path)
    assert code_of(waiting) == (409, "idempotency_in_flight")
    lapsed()
    first, again = (post(client_of(secret), "k-1", body, path) for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    assert replies.count() == 1


def test_killed_chat_message_is_said_once(committed: TenantContext, api_key: Any) -> None:
    secret = api_key("acme", *SCOPES)
    killed(secret, CHAT, BODY)
    assert Message.objects.filter(author="visitor").count() == 1
    lapsed()
    assert post(client_of(secret), "k-1").status_code in {200, 202}
    assert Message.objects.filter(author="visitor").count() == 1
