"""Expected and unexpected failures reach each client in the form it reads."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory

from core import http

SignIn = Callable[..., Client]
CHAT = "/api/v1/chat/message"
LISTS = [
    "/api/v1/conversations",
    "/api/v1/documents",
    "/api/v1/orders",
    "/api/v1/products",
    "/api/v1/router/decisions",
    "/api/v1/runs",
    "/api/v1/usage/entries",
]


def problem_of(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == http.PROBLEM_TYPE
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    return body


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("position", ["garbage", "2020-01-01\x00"])
def test_cursor_with_a_wrong_position_is_not_found(
    sign_in: SignIn, path: str, position: str
) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    problem_of(sign_in().get(path, {"cursor": cursor}), 404, "not_found")


@pytest.mark.parametrize("path", [*LISTS, "/api/v1/nowhere/%00"])
def test_nul_in_an_address_is_refused(sign_in: SignIn, path: str) -> None:
    problem_of(sign_in().get(f"{path}?state=%00&search=%00"), 400, "bad_request")


@pytest.mark.parametrize("path", ["/orders/%00/", "/workflows/%00/", "/knowledge/?collection=%00"])
def test_nul_in_a_page_address_shows_an_error_page(sign_in: SignIn, path: str) -> None:
    response = sign_in().get(path)
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")


def test_unknown_api_address_gives_a_problem_and_an_unknown_page_a_page(sign_in: SignIn) -> None:
    client = sign_in()
    problem_of(client.get("/api/v1/nowhere"), 404, "not_found")
    assert client.get("/nowhere")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://globex.localhost",
        "http://acme.localhost.evil.example",
        "http://acme.localhost@evil.example",
        "http://xn--acm-red.localhost",
    ],
)
def test_foreign_page_is_neither_let_read_nor_write(sign_in: SignIn, origin: str) -> None:
    """Nobody's page gets CORS, and a session's write from another page breaks on its Origin."""
    client = sign_in()
    asked = {"origin": origin, "access-control-request-method": "POST"}
    for answer in (client.get(LISTS[0], headers=asked), client.options(CHAT, headers=asked)):
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
    client.handler.enforce_csrf_checks = True
    body = '{"message": "x", "user_id": "y"}'
    written = client.post(CHAT, body, content_type="application/json", headers={"origin": origin})
    problem_of(written, 403, "permission_denied")


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deeply_nested_body_is_refused(sign_in: SignIn, depth: int) -> None:
    body = '{"message": "x", "context": {"a": ' + "[" * depth + "]" * depth + "}}"
    response = sign_in().post(CHAT, body, content_type="application/json")
    problem_of(response, 400, "parse_error")


def test_large_body_is_refused(sign_in: SignIn) -> None:
    body = json.dumps({"message": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})
    response = sign_in().post(CHAT, body, content_type="application/json")
    problem_of(response, 413, "body_too_large")


def test_form_without_its_token_is_told_in_the_clients_form(sign_in: SignIn) -> None:
    client = sign_in()
    client.handler.enforce_csrf_checks = True
    answer = client.post("/logout/", headers={"Accept": "application/json"})
    problem_of(answer, 403, "permission_denied")
    assert client.post("/logout/")["Content-Type"].startswith("text/html")


def test_unforeseen_failure_of_the_api_is_a_problem() -> None:
    request: HttpRequest = RequestFactory().get("/api/v1/runs")
    response = http.server_error(request)
    assert response.status_code == 500
    assert json.loads(response.content)["code"] == "internal_error"


@pytest.mark.django_db(transaction=True)
def test_database_that_goes_away_in_a_request_is_told_as_such(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends on the server while the view is at work, as in a restart."""
    from django.db import connection

    from workflows import selectors

    def gone(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    client = sign_in()
    client.raise_request_exception = False
    monkeypatch.setattr(selectors, "run_list", gone)
    response = client.get("/api/v1/runs")
    problem_of(response, 503, "service_unavailable")
    assert response["Retry-After"] == str(http.RETRY_SECONDS)
    connection.close()
