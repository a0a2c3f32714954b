"""REST of routing: the seeds' router schema, strictness, permissions, isolation."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import tenancy
from core.tenancy import TenantContext
from routing import services

DECIDE = "/api/v1/router/decide"
ApiKey = Callable[..., str]


@pytest.fixture
def call(api_key: ApiKey) -> Callable[..., Any]:
    def post(body: Any, slug: str = "acme", scope: str = "routing:read") -> Any:
        client = Client(headers={"host": f"{slug}.localhost"})
        bearer = {"Authorization": f"Bearer {api_key(slug, scope)}"}
        return client.post(DECIDE, body, content_type="application/json", headers=bearer)

    return post


def test_decide_answers_with_the_router_schema(call: Callable[..., Any]) -> None:
    answer = call({"query": "How long is the warranty?", "tier_preference": "fast"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["tier"] == "SLM_A"
    assert 0.0 <= body["confidence"] <= 1.0
    assert isinstance(body["reasoning"], str)
    assert isinstance(body["cost_estimate"], float)
    assert isinstance(body["latency_estimate"], int)


def test_decide_takes_the_whole_request(call: Callable[..., Any], acme: TenantContext) -> None:
    context = {"channel": "email", "history_length": 3, "strict_json": True}
    body = {
        "query": "Why is one tent better than the other, and which do you recommend for winter?",
        "context": context,
        "tenant_id": str(acme.id),
        "user_id": "visitor-1",
        "tier_preference": "accurate",
    }
    answer = call(body)
    assert answer.status_code == 200
    assert answer.json()["tier"] == "SLM_A"
    assert "strict schema" in answer.json()["reasoning"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/query"),
        ({"query": ""}, "/query"),
        ({"query": "x" * 8001}, "/query"),
        ({"query": "hi\u0000"}, "/query"),
        ({"query": "hi", "tier_preference": "best"}, "/tier_preference"),
        ({"query": "hi", "surprise": 1}, "/surprise"),
        ({"query": "hi", "context": {"surprise": 1}}, "/context/surprise"),
        ({"query": "hi", "context": {"history_length": -1}}, "/context/history_length"),
        ({"query": "hi", "context": {"run_id": "no"}}, "/context/run_id"),
    ],
)
def test_decide_refuses_what_it_does_not_know(
    call: Callable[..., Any], body: dict[str, Any], pointer: str
) -> None:
    answer = call(body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_decide_refuses_another_tenants_id(call: Callable[..., Any], globex: TenantContext) -> None:
    answer = call({"query": "hi", "tenant_id": str(globex.id)})
    assert answer.status_code == 403
    assert answer.json()["code"] == "tenant_mismatch"


def test_decide_needs_its_scope(call: Callable[..., Any]) -> None:
    assert call({"query": "hi"}, scope="knowledge:read").status_code == 403


def test_decide_needs_a_key(acme: TenantContext) -> None:
    client = Client(headers={"host": "acme.localhost"})
    answer = client.post(DECIDE, {"query": "hi"}, content_type="application/json")
    assert answer.status_code == 401


def test_decisions_are_listed_for_their_tenant_only(
    api_key: ApiKey, acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        decided = services.route_decide(text="Hello").decision_id
    for slug, expected in (("acme", [str(decided)]), ("globex", [])):
        client = Client(headers={"host": f"{slug}.localhost"})
        bearer = {"Authorization": f"Bearer {api_key(slug, 'routing:read')}"}
        listed = client.get("/api/v1/router/decisions", headers=bearer).json()
        assert [row["id"] for row in listed["results"]] == expected
        single = client.get(f"/api/v1/router/decisions/{decided}", headers=bearer)
        assert single.status_code == (200 if expected else 404)


def test_decisions_are_filtered(api_key: ApiKey, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.route_decide(text="Hello")
        services.route_decide(text="I want to speak to a person")
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'routing:read')}"}
    listed = client.get("/api/v1/router/decisions?intent=human_request", headers=bearer).json()
    assert [row["intent"] for row in listed["results"]] == ["human_request"]


def test_unknown_decision_is_not_found(api_key: ApiKey, acme: TenantContext) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'routing:read')}"}
    answer = client.get(f"/api/v1/router/decisions/{uuid.uuid4()}", headers=bearer)
    assert answer.status_code == 404


def test_list_costs_the_same_queries_for_one_row_and_three(
    api_key: ApiKey, acme: TenantContext
) -> None:
    client = Client(headers={"host": "acme.localhost"})
    bearer = {"Authorization": f"Bearer {api_key('acme', 'routing:read')}"}
    counts = []
    for _ in range(3):
        with tenancy.tenant_scope(acme):
            services.route_decide(text="Hello")
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/v1/router/decisions", headers=bearer)
        counts.append(len(queries))
    assert counts[1] == counts[2] <= counts[0]
