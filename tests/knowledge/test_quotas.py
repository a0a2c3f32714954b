"""Documents and bytes of the plan: held with the upload, settled when read, never leaked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from core import tenancy
from core.errors import ServiceUnavailable
from core.redis import redis_client
from core.tenancy import TenantContext
from knowledge import services
from knowledge.models import Document
from knowledge.pipeline import document_ingest
from tenants.admission.current import quota_current
from tenants.admission.quota import quota_held
from tenants.admission.uploads import upload_place
from tenants.errors import QuotaExceeded
from tests.conftest import Plan
from tests.knowledge.documents import RETURNS, ingested

ApiKey = Callable[..., str]
METERS = ("documents", "storage_bytes")


@pytest.fixture(autouse=True)
def _plan(plan: Plan, in_acme: TenantContext) -> None:
    plan(documents=10, storage_bytes=100_000)


def counted() -> list[tuple[int, int]]:
    """Return (used, held) of documents and of bytes."""
    found = [quota for meter in METERS if (quota := quota_current(meter))]
    return [
        (int(redis_client().hget(quota.keys[0], "used") or 0), quota_held(quota=quota))
        for quota in found
    ]


def upload(name: str = "returns.md", content: bytes = RETURNS) -> Document:
    return services.document_upload(filename=name, content=content, uploaded_by=None)


def test_upload_holds_and_ready_settles(django_capture_on_commit_callbacks: object) -> None:
    document = upload()
    assert counted() == [(0, 1), (0, len(RETURNS))]
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        document_ingest(document.pk)
    assert counted() == [(1, 0), (len(RETURNS), 0)]


def test_failed_document_gives_everything_back(
    django_capture_on_commit_callbacks: object,
) -> None:
    document = upload("broken.pdf", b"%PDF-1.4 nothing")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        document_ingest(document.pk)
    document.refresh_from_db()
    assert document.state == "failed"
    assert counted() == [(0, 0), (0, 0)]
    services.document_retry(document_id=document.pk)
    assert counted()[0] == (0, 1)


def test_overtaken_and_deleted_versions_give_back(in_acme: TenantContext) -> None:
    upload(content=b"# One\n\nThe first version says this.")
    second = upload(content=b"# Two\n\nThe second version says that.")
    assert counted()[0] == (0, 1)
    services.document_delete(document_id=second.pk)
    assert counted() == [(0, 0), (0, 0)]


def test_same_file_again_takes_nothing(in_acme: TenantContext) -> None:
    ingested()
    before = counted()
    upload("other.md")
    assert counted() == before


def test_upload_beyond_a_quota_stores_nothing_and_names_it(
    plan: Plan, api_key: ApiKey, globex: TenantContext
) -> None:
    plan(documents=10, storage_bytes=50)
    headers = {
        "host": "acme.localhost",
        "authorization": f"Bearer {api_key('acme', 'knowledge:write', 'knowledge:read')}",
    }
    answer = Client(headers=headers).post(
        "/api/v1/documents", {"file": SimpleUploadedFile("returns.md", RETURNS)}
    )
    body = answer.json()
    assert answer.status_code == 429
    assert (body["code"], body["quota"], body["limit"]) == ("quota_exceeded", "storage_bytes", 50)
    assert body["resets_at"] > "2026"
    assert int(answer["Retry-After"]) > 0
    assert Document.objects.count() == 0
    assert counted() == [(0, 0), (0, 0)]
    with tenancy.tenant_scope(globex):
        upload()


def test_page_names_the_file_that_the_plan_refuses(plan: Plan, sign_in: ApiKey) -> None:
    plan(documents=0)
    client: Client = sign_in("acme", "owner")  # type: ignore[assignment]
    answer = client.post(
        "/knowledge/upload/", {"documents": SimpleUploadedFile("returns.md", RETURNS)}
    )
    assert answer.status_code == 422
    assert "used up" in answer.content.decode()


def test_upload_refused_after_its_transaction_failed_may_come_again(
    plan: Plan, in_acme: TenantContext
) -> None:
    plan(documents=0, storage_bytes=10)
    with pytest.raises(QuotaExceeded):
        upload()
    plan(documents=10, storage_bytes=100_000)
    upload()
    assert counted() == [(0, 1), (0, len(RETURNS))]


def test_upload_without_redis_is_refused_and_stores_nothing(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    try:
        with pytest.raises(ServiceUnavailable) as refusal:
            upload()
    finally:
        redis_client.cache_clear()
    assert refusal.value.data["retry_after"] > 0
    assert Document.objects.count() == 0


def test_uploads_beyond_the_places_are_refused_and_hold_nothing(
    plan: Plan, api_key: ApiKey, in_acme: TenantContext
) -> None:
    plan(concurrent_uploads=1)
    headers = {
        "host": "acme.localhost",
        "authorization": f"Bearer {api_key('acme', 'knowledge:write', 'knowledge:read')}",
    }
    with upload_place():
        answer = Client(headers=headers).post(
            "/api/v1/documents", {"file": SimpleUploadedFile("returns.md", RETURNS)}
        )
    assert (answer.status_code, answer.json()["code"]) == (429, "concurrency_limit")
    assert Document.objects.count() == 0
    upload()
