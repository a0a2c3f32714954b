"""Every operation and page with every kind of caller, with the answer its declared rule promises.

Generated from the OpenAPI document and the URLs: what is new is tested at once, and fails here
until it has a rule. The requests are really sent; each is undone again.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import set_urlconf

from core import tenancy
from core.tenancy import TenantContext
from tests.architecture.access import callers, routes
from tests.architecture.access.callers import Caller
from tests.architecture.access.checksums import rows_checksum
from tests.architecture.access.routes import Route
from tests.architecture.access.things import WORKFLOW, things_make

PROBLEM = "application/problem+json"
# Bodies that would be carried out; an operation that takes one must be here.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/api-keys": {"name": "new", "scopes": ["settings:write"]},
    "POST /api/v1/api-keys/{key_id}/rotate": {"overlap_seconds": 60},
    "POST /api/v1/chat/message": {"message": "Hello", "user_id": "someone"},
    "PATCH /api/v1/agents/{person_id}": {"capacity": 3, "skills": ["billing"]},
    "PUT /api/v1/agents/{person_id}/availability": {"is_available": False},
    "POST /api/v1/canned-replies": {"shortcut": "bye", "text": "Goodbye, {{customer.name|you}}!"},
    "PUT /api/v1/canned-replies/{reply_id}": {"shortcut": "hello", "text": "Good day!"},
    "POST /api/v1/conversations/{conversation_id}/assign": {"assignee_id": "{agent}"},
    "POST /api/v1/conversations/{conversation_id}/attachments": {},
    "POST /api/v1/conversations/{conversation_id}/claim": {},
    "POST /api/v1/conversations/{conversation_id}/requeue": {},
    "POST /api/v1/conversations/{conversation_id}/hand-back": {},
    "POST /api/v1/conversations/{conversation_id}/resolve": {},
    "POST /api/v1/conversations/{conversation_id}/messages": {"text": "Hi", "client_id": "c-1"},
    "POST /api/v1/conversations/{conversation_id}/notes": {"text": "Hm", "client_id": "n-1"},
    "PATCH /api/v1/conversations/{conversation_id}/triage": {"priority": "high"},
    "POST /api/v1/dead-letters/redrive": {},
    "POST /api/v1/notifications": {"address": "more@example.com"},
    "POST /api/v1/sla-policies": {"name": "Quicker", "first_response_minutes": 5},
    "PATCH /api/v1/sla-policies/{policy_id}": {"name": "Slower"},
    "POST /api/v1/documents": {"url": "http://127.0.0.1/returns.html"},
    "POST /api/v1/invitations": {"email": "new@acme.example.com", "role": "viewer"},
    "POST /api/v1/knowledge/search": {"query": "returns"},
    "POST /api/v1/router/decide": {"query": "How long is the warranty?"},
    "PATCH /api/v1/settings/{group}": {"version": 1, "values": {"language": "de"}},
    "POST /api/v1/settings/{group}/revert": {"version": 1, "to_version": 0},
    "PATCH /api/v1/widget": {"title": "Shop"},
    "POST /api/v1/approvals/{wait_id}": {"approved": True, "comment": "Yes"},
    "POST /api/v1/runs/{run_id}/cancel": {"reason": "requested"},
    "POST /api/v1/runs/{run_id}/replay": {"tier": "SLM_A"},
    "POST /api/v1/workflows": {"yaml": WORKFLOW.format(name="new_one")},
    "POST /api/v1/workflows/validate": {"yaml": WORKFLOW.format(name="new_one")},
    "POST /api/v1/workflows/stop": {},
    "POST /api/v1/workflows/resume": {},
    "POST /api/v1/workflows/{name}/drafts": {"title": "Better", "yaml": "name: acme_own"},
    "PUT /api/v1/workflows/{name}/drafts/{draft_id}": {"revision": 1, "yaml": "name: acme_own"},
    "POST /api/v1/workflows/{name}/versions": {"yaml": WORKFLOW.format(name="acme_own")},
    "POST /api/v1/workflows/{name}/versions/{content_hash}/publish": {},
}
# What the forms of pages with a parameter ask for, all in one.
FORM = {
    "role": "viewer",
    "text": "Hi",
    "client_id": "c-1",
    "overlap": "24",
    "source": "a",
    "priority": "low",
    "assignee_id": "{agent}",
    "capacity": "3",
    "shortcut": "good-day",
    "name": "Quickest",
    "position": "0",
    "priority_from": "none",
    "first_response_minutes": "5",
    "skills": "billing",
}
ANY_SCOPE = "team:read"  # for what needs none
Things = dict[str, str]


@pytest.fixture
def things(acme: TenantContext, people: dict[tuple[str, str], Any]) -> Things:
    return things_make(acme, people["acme", "viewer"])


@pytest.fixture
def foreign(globex: TenantContext, people: dict[tuple[str, str], Any]) -> Things:
    return things_make(globex, people["globex", "viewer"])


def called(caller: Caller, route: Route, things: Things, **body: Any) -> Any:
    """Send the request as it would come in, and undo what it did."""
    # A "{kind}" in a body names a thing as an address does.
    body = {name: things.get(str(value).strip("{}"), value) for name, value in body.items()}
    with tenancy.public_scope(), transaction.atomic():
        path = route.filled(things)
        headers = {"prefer": "wait=0"}
        if route.method == "GET":
            answer = caller.client.get(path, headers=headers)
        elif route.path.startswith("/api/"):
            send = getattr(caller.client, route.method.lower())
            answer = send(path, body, content_type="application/json", headers=headers)
        else:
            answer = caller.client.post(path, body, headers=headers)
        transaction.set_rollback(True)
    return answer


def _body(route: Route) -> dict[str, Any]:
    takes_body = "requestBody" in routes.openapi()["paths"][route.path][route.method.lower()]
    assert not takes_body or str(route) in BODIES, (
        f"{route} takes a body: put one that would be carried out into BODIES in {__file__}."
    )
    return BODIES.get(str(route), {})


def _is_problem(answer: HttpResponse, status: int, code: str = "") -> bool:
    if answer.status_code != status or answer["Content-Type"] != PROBLEM:
        return False
    body = answer.json()  # type: ignore[attr-defined]  # the test client's
    return bool(body["status"] == status and body["code"] and code in {"", body["code"]})


def test_every_route_has_a_rule() -> None:
    found = [*routes.operations(), *routes.pages()]
    assert [fault for route in found if (fault := routes.missing_rule(route))] == []


def test_a_route_without_a_rule_is_named_with_what_to_add() -> None:
    fault = routes.missing_rule(Route("GET", "/api/v1/new", "", "NewView"))
    assert fault.startswith("GET /api/v1/new has no rule: put `required_scope`")
    assert "NewView" in fault


def test_a_parameter_without_an_object_is_named_with_what_to_add() -> None:
    with pytest.raises(AssertionError, match="does not know what `news/news_id` names"):
        Route("GET", "news/<uuid:news_id>/", None).filled({})


@pytest.mark.parametrize("route", routes.operations(), ids=str)
def test_operation_answers_as_its_rule_says(
    route: Route, things: Things, sign_in: Any, api_key: Any, people: dict[tuple[str, str], Any]
) -> None:
    body = _body(route)
    for caller in callers.strangers(sign_in, api_key):
        answer = called(caller, route, things, **body)
        wanted = route.scope is None or _is_problem(answer, 401)
        assert wanted, f"{caller.name}: {answer.status_code} {answer.content[:200]!r}"
    for caller in [*callers.members(sign_in), *callers.keys(api_key, route.scope or ANY_SCOPE)]:
        named = {"person_id": str(people["acme", "agent"].pk)} if _names_person(route) else {}
        answer = called(caller, route, things, **body, **(named if caller.is_key else {}))
        assert _is_right(answer, caller, route), (
            f"{caller.name}: {answer.status_code} {answer.content[:200]!r}"
        )


@pytest.mark.parametrize("route", sorted(routes.PROVED_BY_BODY))
def test_credential_in_the_body_decides_alone(
    route: str, things: Things, sign_in: Any, api_key: Any
) -> None:
    method, path = route.split()
    everybody = [*callers.strangers(sign_in, api_key), *callers.members(sign_in)[:1]]
    answers = [
        called(caller, Route(method, path, None), things, **routes.PROVED_BY_BODY[route])
        for caller in everybody
    ]
    if path.endswith("/revoke"):  # tells nobody whether a token was known
        assert {answer.status_code for answer in answers} == {204}
    else:
        assert all(_is_problem(answer, 401) for answer in answers)


def _names_person(route: Route) -> bool:
    """Return whether a key, which is nobody, says in the body who acts."""
    return route.method == "POST" and "/conversations/" in route.path


def _is_right(answer: Any, caller: Caller, route: Route) -> bool:
    if route.scope is not None and route.scope not in (caller.scopes or ()):
        return _is_problem(answer, 403, "scope_missing")
    return answer.status_code < 500 and answer.status_code not in {401, 403, 404, 405}


@pytest.mark.parametrize(
    "route", [found for found in routes.operations() if found.names_an_object], ids=str
)
def test_operation_knows_no_other_tenants_ids(
    route: Route,
    things: Things,
    foreign: Things,
    globex: TenantContext,
    sign_in: Any,
    api_key: Any,
    people: dict[tuple[str, str], Any],
) -> None:
    before = rows_checksum(globex)
    named = {"person_id": str(people["acme", "agent"].pk)} if _names_person(route) else {}
    owner, key = callers.members(sign_in)[0], callers.keys(api_key, route.scope or ANY_SCOPE)[1]
    for wanted in (foreign, dict.fromkeys(foreign, str(uuid4()))):
        for caller, extra in ((owner, {}), (key, named)):
            answer = called(caller, route, wanted, **_body(route), **extra)
            assert _is_problem(answer, 404), f"{caller.name}: {answer.status_code}"
    assert rows_checksum(globex) == before


@pytest.mark.parametrize("route", routes.pages(), ids=str)
def test_page_answers_as_its_rule_says(
    route: Route, things: Things, sign_in: Any, api_key: Any
) -> None:
    strangers = callers.strangers(sign_in, api_key)
    everybody = [*strangers, *callers.members(sign_in)]
    for caller in everybody:
        answer = called(caller, route, things)
        assert _is_page_right(answer, caller, route), f"{caller.name}: {answer.status_code}"


def _is_page_right(answer: Any, caller: Caller, route: Route) -> bool:
    """Return whether a page refuses whom it must; 405 is right where it takes no such method."""
    if answer.status_code == 405:
        return True
    if route.scope is None:
        return bool(answer.status_code < 500 and "_auth_user_id" not in _new_session(caller))
    if caller.scopes is None:
        return bool(answer.status_code == 302 and answer["Location"].startswith("/login/"))
    if route.scope not in caller.scopes:
        return bool(answer.status_code == 403)
    return answer.status_code < 500 and answer.status_code not in {401, 403, 404}


def _new_session(caller: Caller) -> dict[str, Any]:
    """Return what a stranger's session holds; a member's is their own."""
    return dict(caller.client.session) if caller.name == "anonymous" else {}


@pytest.mark.parametrize("path", sorted({str(found.path) for found in routes.pages()}))
def test_page_takes_some_method(path: str, things: Things, sign_in: Any) -> None:
    """Otherwise every answer above would be 405, and the matrix would have seen nothing."""
    owner = callers.members(sign_in)[0]
    answers = [called(owner, Route(method, path, None), things) for method in ("GET", "POST")]
    assert {answer.status_code for answer in answers} != {405}


@pytest.mark.parametrize(
    "route", [found for found in routes.pages() if found.names_an_object and found.scope], ids=str
)
def test_page_knows_no_other_tenants_ids(
    route: Route, things: Things, foreign: Things, globex: TenantContext, sign_in: Any
) -> None:
    before = rows_checksum(globex)
    owner = callers.members(sign_in)[0]
    for wanted in (foreign, dict.fromkeys(foreign, str(uuid4()))):
        answer = called(owner, route, wanted, **FORM)
        assert answer.status_code in {404, 405}, answer.status_code
    assert rows_checksum(globex) == before


def test_sign_in_ticket_opens_no_other_workspace(foreign: Things, things: Things) -> None:
    for slug, wanted, opens in (("acme", foreign, False), ("acme", things, True)):
        client = Client(headers={"host": f"{slug}.localhost"})
        client.get(f"/login/ticket/{wanted['ticket']}/")
        assert ("_auth_user_id" in client.session) is opens


def test_passage_of_another_tenant_is_not_shown(foreign: Things, things: Things) -> None:
    client = Client(headers=callers.HOST)
    assert client.get(f"/knowledge/source/{foreign['chunk']}/").status_code == 404


def test_every_rest_view_is_in_the_schema() -> None:
    """A view hidden from the OpenAPI document would be hidden from the matrix."""
    set_urlconf(None)
    documented = {routes._PARAMETER.sub("{}", path) for path in routes.openapi()["paths"]}
    assert routes.rest_paths() - documented == set()
