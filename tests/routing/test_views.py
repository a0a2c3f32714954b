"""Pages of routing: the list, one decision explained, who may see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from routing import services

SignIn = Callable[..., Client]
TEXT = "I want to speak to a person"


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
def test_decisions_are_seen_by_every_role(sign_in: SignIn, role: str) -> None:
    assert sign_in(role=role).get("/routing/").status_code == 200


def test_decisions_send_strangers_to_sign_in(sign_in: SignIn) -> None:
    assert sign_in(role=None).get("/routing/").status_code == 302


def test_empty_list_says_what_will_appear(sign_in: SignIn) -> None:
    assert "No request has been routed yet" in sign_in().get("/routing/").content.decode()


def test_list_shows_tier_intent_and_reason(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.route_decide(text=TEXT)
    page = sign_in().get("/routing/").content.decode()
    assert "human_request" in page
    assert "SLM_A" in page
    assert "needs no composed answer" in page


def test_list_filters_by_intent(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.route_decide(text=TEXT)
    assert "No decision matches" in sign_in().get("/routing/?intent=faq").content.decode()
    assert "No decision matches" not in sign_in().get("/routing/?intent=nonsense").content.decode()


def test_decision_page_shows_its_signals(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        decided = services.route_decide(text=TEXT)
    page = sign_in().get(f"/routing/{decided.decision_id}/")
    assert page.status_code == 200
    assert "human_request" in page.content.decode()


def test_decision_of_another_tenant_is_not_found(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        decided = services.route_decide(text=TEXT)
    answer = sign_in("globex").get(f"/routing/{decided.decision_id}/")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/routing/"])
def test_page_has_no_inline_script_or_style(
    sign_in: SignIn, acme: TenantContext, path: str
) -> None:
    with tenancy.tenant_scope(acme):
        services.route_decide(text=TEXT)
    page = sign_in().get(path).content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick" not in page
