"""The REST contract of documents and search."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tests.knowledge.documents import RETURNS, ingested

ApiKey = Callable[..., str]


def client(secret: str, slug: str = "acme") -> Client:
    return Client(headers={"host": f"{slug}.localhost", "authorization": f"Bearer {secret}"})


@pytest.fixture
def api(api_key: ApiKey) -> Client:
    return client(api_key("acme", "knowledge:read", "knowledge:write"))


def send(api: Client, path: str, body: Any) -> Any:
    return api.post(path, json.dumps(body), content_type="application/json")


def test_upload_list_retrieve_delete(api: Client, acme: TenantContext) -> None:
    file = SimpleUploadedFile("returns.md", RETURNS)
    created = api.post("/api/v1/documents", {"file": file, "collection": "policies"})

    assert created.status_code == 202
    body = created.json()
    assert (body["state"], body["collection"], body["is_live"]) == ("queued", "policies", False)
    listed = api.get("/api/v1/documents", {"state": "queued"}).json()
    assert [entry["id"] for entry in listed["results"]] == [body["id"]]
    path = f"/api/v1/documents/{body['id']}"
    assert api.get(path).json()["filename"] == "returns.md"
    assert api.delete(path).status_code == 204
    assert api.get(path).json()["code"] == "document_unknown"


def test_list_is_paged_by_cursor(api: Client, acme: TenantContext) -> None:
    for number in range(3):
        file = SimpleUploadedFile(f"{number}.txt", f"text {number}".encode())
        api.post("/api/v1/documents", {"file": file})

    first = api.get("/api/v1/documents", {"page_size": 2}).json()
    second = api.get(first["next"]).json()

    assert [len(first["results"]), len(second["results"])] == [2, 1]


def test_search_returns_passages(api: Client, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        ingested()

    found = send(api, "/api/v1/knowledge/search", {"query": "return unworn", "limit": 1}).json()

    assert len(found["passages"]) == 1
    assert "60 days" in found["passages"][0]["text"]
    assert 0 <= found["support"] <= 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "x", "unknown": 1},
        {"query": "x", "limit": 0},
        {"query": "x", "limit": 41},
        {"query": "x", "threshold": 2},
        {"query": "x" * 8001},
        [],
    ],
)
def test_search_refuses_what_breaks_the_contract(api: Client, body: Any) -> None:
    response = send(api, "/api/v1/knowledge/search", body)

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "validation_failed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"url": "http://10.0.0.1/"}, "url_forbidden"),
        ({"url": "https://1.1.1.1/", "other": 1}, "validation_failed"),
    ],
)
def test_create_refuses_with_a_problem(api: Client, body: Any, code: str) -> None:
    response = send(api, "/api/v1/documents", body)

    assert response.status_code == 400
    assert response.json()["code"] == code


def test_disguised_file_is_a_problem(api: Client) -> None:
    response = api.post("/api/v1/documents", {"file": SimpleUploadedFile("a.pdf", b"MZ")})

    assert response.status_code == 422
    assert response.json()["code"] == "content_mismatch"


def test_scopes_are_required(api_key: ApiKey, acme: TenantContext) -> None:
    reader = client(api_key("acme", "knowledge:read"))
    stranger = client(api_key("acme", "billing:read"))

    assert reader.get("/api/v1/documents").status_code == 200
    assert send(reader, "/api/v1/documents", {"url": "https://1.1.1.1/"}).status_code == 403
    assert reader.delete(f"/api/v1/documents/{uuid4()}").status_code == 403
    assert stranger.get("/api/v1/documents").status_code == 403
    assert client("fd_none").get("/api/v1/documents").status_code == 401


def test_other_tenants_documents_are_unknown(api_key: ApiKey, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        document = ingested()
    other = client(api_key("globex", "knowledge:read", "knowledge:write"), "globex")

    assert other.get("/api/v1/documents").json()["results"] == []
    assert other.get(f"/api/v1/documents/{document.pk}").status_code == 404
    assert other.delete(f"/api/v1/documents/{document.pk}").status_code == 404
    found = send(other, "/api/v1/knowledge/search", {"query": "return unworn clothing"}).json()
    assert found["passages"] == []
