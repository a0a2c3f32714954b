"""Signing in and out of one workspace, and one's own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import services

PASSWORD = "correct horse 42"


def client_at(host: str) -> Client:
    return Client(headers={"host": host})


def login_post(client: Client, email: str, password: str = PASSWORD, **extra: str) -> Any:
    return client.post("/login/", {"email": email, "password": password, **extra})


def test_login_lets_a_member_in_and_returns_to_the_page(acme: TenantContext) -> None:
    client = client_at("acme.localhost")
    answer = login_post(client, "owner@acme.example.com", next="/settings/team/")
    assert (answer.status_code, answer["Location"]) == (302, "/settings/team/")
    assert client.get("/settings/team/").status_code == 200


def test_login_compares_the_email_without_regard_to_case(acme: TenantContext) -> None:
    answer = login_post(client_at("acme.localhost"), "Owner@ACME.example.com")
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("owner@acme.example.com", "wrong horse 42"),
        ("nobody@acme.example.com", PASSWORD),
        ("owner@globex.example.com", PASSWORD),
    ],
    ids=["wrong password", "unknown account", "member of another workspace"],
)
def test_login_refuses_with_one_answer_for_every_reason(
    acme: TenantContext, email: str, password: str
) -> None:
    client = client_at("acme.localhost")
    answer = login_post(client, email, password)
    assert answer.status_code == 422
    assert "do not open this workspace" in answer.content.decode()
    assert client.get("/").status_code == 302


def test_login_session_opens_no_other_workspace(acme: TenantContext, globex: TenantContext) -> None:
    client = client_at("acme.localhost")
    login_post(client, "owner@acme.example.com")
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "globex.localhost"}).status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_login_never_leads_to_another_site(acme: TenantContext, target: str) -> None:
    answer = login_post(client_at("acme.localhost"), "owner@acme.example.com", next=target)
    assert answer["Location"] == "/"


def test_login_brakes_after_ten_wrong_passwords(acme: TenantContext) -> None:
    client = client_at("acme.localhost")
    email = "viewer@acme.example.com"
    with tenancy.tenant_scope(acme):
        from tenants import throttle

        throttle.attempts_forget(kind="login", subject=email)
        throttle.attempts_forget(kind="login-address", subject="127.0.0.1")
    for _ in range(10):
        login_post(client, email, "wrong")
    answer = login_post(client, email)
    assert "Too many attempts" in answer.content.decode()
    with tenancy.tenant_scope(acme):
        throttle.attempts_forget(kind="login", subject=email)
        throttle.attempts_forget(kind="login-address", subject="127.0.0.1")


def test_ticket_signs_in_once(acme: TenantContext, people: dict[Any, Any]) -> None:
    with tenancy.tenant_scope(acme):
        ticket = services.login_ticket_create(person_id=people["acme", "owner"].pk)
    first, second = client_at("acme.localhost"), client_at("acme.localhost")
    assert first.get(f"/login/ticket/{ticket}/")["Location"] == "/"
    assert first.get("/").status_code == 200
    assert second.get(f"/login/ticket/{ticket}/")["Location"] == "/login/"
    assert "used already" in second.get("/login/").content.decode()


def test_ticket_is_worth_nothing_on_another_host(
    acme: TenantContext, globex: TenantContext, people: dict[Any, Any]
) -> None:
    with tenancy.tenant_scope(acme):
        ticket = services.login_ticket_create(person_id=people["acme", "owner"].pk)
    answer = client_at("globex.localhost").get(f"/login/ticket/{ticket}/")
    assert answer["Location"] == "/login/"


def test_logout_ends_the_session_and_takes_a_post(sign_in: Callable[..., Client]) -> None:
    client = sign_in()
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/").status_code == 302
