"""The page of features: what a workspace switches, and what its experiment found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import flags
from tenants.flags import selectors

SignIn = Callable[..., Client]
PAGE = "/settings/flags/"


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("viewer", 403)])
def test_page_is_for_owners_and_admins(sign_in: SignIn, role: str, status: int) -> None:
    assert sign_in(role=role).get(PAGE).status_code == status


def test_owner_switches_a_feature_and_back(
    sign_in: SignIn, acme: TenantContext, globex: TenantContext
) -> None:
    owner = sign_in()
    assert "Chat without our name" in owner.get(PAGE).content.decode()
    for choice, is_on in (("on", True), ("off", False), ("on", True), ("default", False)):
        body = {"flag": "widget_unbranded", "choice": choice}
        assert owner.post(f"{PAGE}set/", body).status_code == 302
        with tenancy.tenant_scope(acme):
            assert flags.is_on("widget_unbranded") is is_on
        with tenancy.tenant_scope(globex):
            assert not flags.is_on("widget_unbranded")
    with tenancy.tenant_scope(acme):
        assert selectors.change_list_own().count() == 4
    page = owner.get(PAGE).content.decode()
    assert "owner@acme.example.com" in page
    assert "owner@acme.example.com" not in sign_in("globex").get(PAGE).content.decode()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"flag": "widget_unbranded", "choice": "maybe"},
        {"flag": "nothing", "choice": "on"},
    ],
)
def test_what_is_no_choice_changes_nothing(
    sign_in: SignIn, acme: TenantContext, body: dict[str, str]
) -> None:
    owner = sign_in()
    assert owner.post(f"{PAGE}set/", body, follow=True).status_code == 200
    with tenancy.tenant_scope(acme):
        assert not selectors.change_list_own().exists()


def test_experiment_says_when_it_is_too_early(sign_in: SignIn) -> None:
    assert "Too early to tell" in sign_in().get(PAGE).content.decode()
