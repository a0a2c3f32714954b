"""Signed identity: who may say who a visitor is, and whose conversations they then see."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import jwt
import pytest

from conversations import selectors, services
from conversations.models import Conversation, Customer, WidgetInstallation
from core import tenancy
from core.tenancy import TenantContext
from tests.conversations.widget_posts import Browser, secret_made, signed


@pytest.fixture
def secret(acme: TenantContext) -> str:
    return secret_made(acme)


@pytest.fixture
def browser(acme: TenantContext) -> Browser:
    return Browser(acme)


def customers(tenant: TenantContext, **wanted: Any) -> list[Customer]:
    with tenancy.tenant_scope(tenant):
        return list(Customer.objects.filter(**wanted))


# --- what a token does


def test_token_names_the_customer_with_name_and_address(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    answer = browser.begin(signed(secret, name="Maeve Larkin", email="maeve@example.com"))
    assert answer.status_code == 200
    assert answer.json()["identified"] is True
    (customer,) = customers(acme, external_id="user-7")
    assert (customer.name, customer.email) == ("Maeve Larkin", "maeve@example.com")
    assert customer.identified_at is not None


def test_identified_visitor_finds_their_conversation_in_another_browser(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin(signed(secret))
    conversation = browser.say("Where is my parcel?")
    other = Browser(acme)
    other.begin(signed(secret))
    assert other.session["conversation_id"] == conversation


def test_resolved_conversations_are_listed_and_can_be_opened_elsewhere(
    browser: Browser, secret: str, acme: TenantContext, people: dict[tuple[str, str], Any]
) -> None:
    browser.begin(signed(secret))
    conversation = browser.say("Where is my parcel?")
    with tenancy.tenant_scope(acme):
        services.conversation_resolve(
            conversation_id=UUID(conversation),
            person_id=people["acme", "agent"].pk,
        )
    other = Browser(acme)
    found = other.begin(signed(secret)).json()
    assert found["conversation_id"] != conversation
    assert [each["id"] for each in found["earlier"]] == [conversation]
    assert found["unrated"] == conversation


def test_customer_known_to_the_api_is_the_same_one(
    browser: Browser, secret: str, in_acme: TenantContext
) -> None:
    known = services.customer_ensure(external_id="user-7")
    browser.begin(signed(secret))
    assert [each.pk for each in customers(in_acme, external_id="user-7")] == [known.pk]


# --- carrying over


def test_anonymous_conversation_is_carried_over_once(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin()
    conversation = browser.say("I am not logged in")
    anonymous = browser.session["visitor_token"]
    browser.begin(signed(secret))
    assert browser.session["conversation_id"] == conversation
    (customer,) = customers(acme, external_id="user-7")
    with tenancy.tenant_scope(acme):
        assert Conversation.objects.get(pk=conversation).customer_id == customer.pk
    assert anonymous != browser.session["visitor_token"]
    for _ in range(2):  # the same again changes nothing
        browser.post(
            "session",
            {"key": browser.key, "visitor_token": anonymous, "user_token": signed(secret)},
        )
    assert len(customers(acme, carried_to=customer)) == 1


def test_token_of_who_was_carried_over_opens_nothing_any_more(
    browser: Browser, secret: str
) -> None:
    browser.begin()
    conversation = browser.say()
    anonymous = dict(browser.session)
    browser.begin(signed(secret))
    browser.session = anonymous
    assert browser.call("handover").status_code == 401
    fresh = browser.begin().json()
    assert fresh["conversation_id"] != conversation
    assert "identified" not in fresh


def test_what_an_anonymous_visitor_said_goes_to_nobody_else_later(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin()
    conversation = browser.say()
    anonymous = browser.session["visitor_token"]
    browser.begin(signed(secret))
    other = Browser(acme)
    other.session = {"visitor_token": anonymous}
    other.begin(signed(secret, sub="user-8"))
    assert other.session["conversation_id"] != conversation
    with tenancy.tenant_scope(acme):
        owner = Conversation.objects.get(pk=conversation).customer
    assert owner.external_id == "user-7"


def test_somebody_known_is_not_merged_into_somebody_else(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin(signed(secret))
    conversation = browser.say()
    browser.begin(signed(secret, sub="user-8"))
    assert browser.session["conversation_id"] != conversation
    with tenancy.tenant_scope(acme):
        assert Conversation.objects.get(pk=conversation).customer.external_id == "user-7"


def test_word_of_the_business_counts_more_than_what_the_visitor_said(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin()
    browser.call("visitor", name="Somebody", email="somebody@example.com", attributes={"a": 1})
    browser.begin(signed(secret, name="Maeve Larkin"))
    (customer,) = customers(acme, external_id="user-7")
    assert (customer.name, customer.email) == ("Maeve Larkin", "somebody@example.com")
    assert customer.attributes == {"a": 1}


# --- tokens that prove nothing


def refused(answer: Any) -> str:
    assert answer.status_code == 401
    problem = answer.json()
    assert problem["code"] == "identity_token_invalid"
    assert problem["detail"]
    return str(problem["reason"])


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"lives": -120}, "expired"),
        ({"exp": None}, "claims"),
        ({"sub": None}, "claims"),
        ({"sub": " "}, "claims"),
        ({"sub": "x" * 201}, "claims"),
        ({"lives": 2 * 86_400}, "too_long_lived"),
        ({"name": ["Maeve"]}, "claims"),
        ({"name": "a\x00b"}, "claims"),
        ({"email": "no address"}, "claims"),
        ({"nbf": int(time.time()) + 3_600}, "claims"),
        ({"algorithm": "HS512"}, "signature"),
    ],
)
def test_token_that_proves_nothing_is_refused_with_its_reason(
    browser: Browser, secret: str, acme: TenantContext, claims: dict[str, Any], reason: str
) -> None:
    assert refused(browser.begin(signed(secret, **claims))) == reason
    assert not customers(acme, external_id__isnull=False)


def test_clocks_may_differ_by_half_a_minute(browser: Browser, secret: str) -> None:
    assert browser.begin(signed(secret, lives=-30)).status_code == 200


def test_wrong_secret_and_no_algorithm_are_refused(browser: Browser, secret: str) -> None:
    assert refused(browser.begin(signed("another secret" * 5))) == "signature"
    content = {"sub": "user-7", "exp": int(time.time()) + 60}
    unsigned = jwt.encode(content, None, algorithm="none")  # type: ignore[arg-type]  # that is it
    assert refused(browser.begin(unsigned)) == "signature"


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "ey" * 40, "é.é.é"])
def test_what_is_no_token_is_refused(browser: Browser, secret: str, token: str) -> None:
    assert refused(browser.begin(token)) == "malformed"


def test_token_is_not_read_before_the_workspace_has_a_secret(browser: Browser) -> None:
    assert refused(browser.begin(signed("x" * 64))) == "not_set_up"


def test_other_workspaces_token_is_refused(
    browser: Browser, secret: str, globex: TenantContext
) -> None:
    theirs = secret_made(globex)
    there = Browser(globex)
    there.begin(signed(theirs))
    there.say("A secret of globex")
    assert refused(browser.begin(signed(theirs))) == "signature"


def test_sealed_secret_of_another_workspace_opens_nothing_here(
    browser: Browser, secret: str, acme: TenantContext, globex: TenantContext
) -> None:
    theirs = secret_made(globex)
    with tenancy.tenant_scope(globex):
        sealed = bytes(WidgetInstallation.objects.get().identity_sealed or b"")
    with tenancy.tenant_scope(acme):
        WidgetInstallation.objects.update(identity_sealed=sealed)
    assert refused(browser.begin(signed(theirs))) == "not_set_up"


def test_refused_token_shows_nobodys_history(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    browser.begin(signed(secret))
    browser.say("A secret of user-7")
    stranger = Browser(acme)
    refused(stranger.begin(signed("not the secret" * 5)))
    assert stranger.session == {}


# --- the secret


def test_secret_is_kept_sealed_and_an_earlier_one_ends(
    browser: Browser, secret: str, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        sealed = bytes(WidgetInstallation.objects.get().identity_sealed or b"")
    assert secret.encode() not in sealed
    browser.begin(signed(secret))
    newer = secret_made(acme)
    assert newer != secret
    assert refused(Browser(acme).begin(signed(secret))) == "signature"
    assert browser.begin().json()["identified"] is True  # who is in stays in
    assert Browser(acme).begin(signed(newer)).status_code == 200


def test_secret_is_shown_once_and_recorded(sign_in: Any, acme: TenantContext) -> None:
    from core.audit.models import AuditEntry

    owner = sign_in("acme", "owner")
    page = owner.post("/settings/widget/secret/")
    assert "fdw_" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "fdw_" not in owner.get("/settings/widget/visitors/").content.decode()
    with tenancy.tenant_scope(acme):
        assert AuditEntry.objects.filter(act="widget.secret_rotated").count() == 1
        assert selectors.widget_current() is not None


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_secret_is_for_owners_and_admins(sign_in: Any, acme: TenantContext, role: str) -> None:
    assert sign_in("acme", role).post("/settings/widget/secret/").status_code == 403
    assert sign_in("acme", role).get("/settings/widget/visitors/").status_code == 403
