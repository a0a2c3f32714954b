"""REST of customers and of the widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from conversations.models import WidgetInstallation
from conversations.services import customer_ensure, customer_update, widget_ensure
from core import tenancy
from core.tenancy import TenantContext

Machine = Callable[..., Client]


@pytest.fixture
def machine(api_key: Callable[..., str]) -> Machine:
    """Return a function that gives a client with an API key."""

    def client(slug: str, *scopes: str) -> Client:
        key = api_key(slug, *scopes)
        return Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {key}"})

    return client


def test_customers_are_listed_and_found(
    machine: Machine, in_acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = customer_ensure(external_id="theirs")
    ada = customer_ensure(external_id="user-7")
    customer_update(customer_id=ada.pk, name="Ada", email="ada@example.com")
    customer_ensure(external_id="user-8")
    client = machine("acme", "conversations:read")
    assert len(client.get("/api/v1/customers").json()["results"]) == 2
    for words in ("Ada", "ada@example", "user-7"):
        found = client.get("/api/v1/customers", {"search": words}).json()["results"]
        assert [row["id"] for row in found] == [str(ada.pk)]
    assert client.get(f"/api/v1/customers/{ada.pk}").json()["name"] == "Ada"
    assert client.get(f"/api/v1/customers/{theirs.pk}").status_code == 404


def test_widget_is_shown_and_changed(machine: Machine, in_acme: TenantContext) -> None:
    client = machine("acme", "settings:read", "settings:write")
    assert client.get("/api/v1/widget").json()["key"] == widget_ensure().key
    body = {"title": "Acme", "allowed_origins": ["https://Shop.Example/"]}
    changed = client.patch("/api/v1/widget", body, content_type="application/json").json()
    assert (changed["title"], changed["allowed_origins"]) == ("Acme", ["https://shop.example"])
    assert WidgetInstallation.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"accent": "red"}, "validation_failed"),
        ({"key": "wk_mine"}, "validation_failed"),
        ({"allowed_origins": ["*"]}, "origin_invalid"),
        ({"suggestions": ["x"] * 7}, "validation_failed"),
    ],
)
def test_bad_widget_is_refused(
    machine: Machine, in_acme: TenantContext, body: dict[str, Any], code: str
) -> None:
    client = machine("acme", "settings:write")
    response = client.patch("/api/v1/widget", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_widget_needs_the_settings_scope(machine: Machine, in_acme: TenantContext) -> None:
    client = machine("acme", "conversations:write", "settings:read")
    response = client.patch("/api/v1/widget", {}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
