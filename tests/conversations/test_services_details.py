"""What visitors and pages say without proof: bounded, checked, and never more than a claim."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from conversations import services
from conversations.models import Conversation, Customer
from core import tenancy
from core.tenancy import TenantContext
from tests.conversations.widget_posts import Browser, secret_made, signed

FORM: list[dict[str, Any]] = [
    {"id": "name", "kind": "text", "label": "Your name", "required": True},
    {"id": "email", "kind": "email", "label": "E-mail"},
    {"id": "about", "kind": "select", "label": "About", "options": ["Order", "Return"]},
    {"id": "news", "kind": "checkbox", "label": "News"},
    {"id": "ok", "kind": "consent", "label": "I agree", "required": True},
]
ANSWERS = {"name": "Maeve", "email": "maeve@example.com", "about": "Order", "ok": True}


@pytest.fixture
def browser(acme: TenantContext) -> Browser:
    found = Browser(acme)
    found.begin()
    return found


def widget_set(tenant: TenantContext, **changes: Any) -> None:
    with tenancy.tenant_scope(tenant):
        widget = services.widget_ensure()
        services.widget_update(widget_id=widget.pk, **changes)


def conversation_of(browser: Browser) -> Conversation:
    with tenancy.tenant_scope(browser.tenant):
        rows = Conversation.objects.select_related("customer")
        return rows.get(pk=browser.session["conversation_id"])


def pointers(answer: Any) -> set[str]:
    assert answer.status_code == 400, answer.content
    return {fault["pointer"] for fault in answer.json()["errors"]}


# --- attributes


def test_attributes_are_merged_and_null_takes_one_away(browser: Browser) -> None:
    browser.call("visitor", attributes={"plan": "gold", "orders": 3, "vip": True})
    kept = browser.call("visitor", attributes={"orders": 4, "vip": None}).json()["attributes"]
    assert kept == {"plan": "gold", "orders": 4}
    assert conversation_of(browser).customer.attributes == kept


@pytest.mark.parametrize(
    "attributes",
    [
        {"1st": "x"},
        {"a b": "x"},
        {"x" * 41: "x"},
        {"": "x"},
        {"plan": "x" * 201},
        {"plan": "a\x00b"},
        {"plan": {"deep": 1}},
        {"plan": [1]},
        {"orders": 10**16},
        {f"a{number}": 1 for number in range(21)},
    ],
)
def test_attributes_out_of_bounds_are_refused_and_none_is_kept(
    browser: Browser, attributes: dict[str, Any]
) -> None:
    assert pointers(browser.call("visitor", attributes=attributes))
    assert conversation_of(browser).customer.attributes == {}


def test_attributes_of_one_workspace_are_not_in_another(
    browser: Browser, globex: TenantContext
) -> None:
    browser.call("visitor", attributes={"plan": "gold"})
    with tenancy.tenant_scope(globex):
        assert not Customer.objects.exclude(attributes={}).exists()
    there = Browser(globex)
    there.begin()
    there.session = {**browser.session}
    assert there.call("visitor", attributes={"plan": "lead"}).status_code == 401


# --- names


def test_unsigned_visitor_may_say_who_they_are_unless_tokens_alone_count(
    browser: Browser, acme: TenantContext
) -> None:
    assert browser.call("visitor", name="Maeve", email="maeve@example.com").status_code == 200
    assert conversation_of(browser).customer.name == "Maeve"
    widget_set(acme, requires_identity=True)
    answer = browser.call("visitor", name="Someone else")
    assert (answer.status_code, answer.json()["code"]) == (403, "identity_required")
    assert conversation_of(browser).customer.name == "Maeve"


def test_identified_customer_is_not_renamed_from_a_browser(
    browser: Browser, acme: TenantContext
) -> None:
    browser.begin(signed(secret_made(acme), name="Maeve Larkin"))
    assert browser.call("visitor", name="Mallory").status_code == 403
    assert conversation_of(browser).customer.name == "Maeve Larkin"


def test_visitors_calls_need_a_token_and_an_allowed_page(browser: Browser) -> None:
    for name in ("visitor", "form", "contact", "rating"):
        assert browser.post(name, {}).status_code == 401
        foreign = browser.post(
            name,
            {},
            origin="https://evil.example.net",
            authorization=f"Bearer {browser.session['visitor_token']}",
        )
        assert foreign.json()["code"] == "origin_refused"


# --- the form


def test_form_is_asked_only_where_there_is_one_and_before_the_first_message(
    browser: Browser, acme: TenantContext
) -> None:
    assert "form" not in browser.session
    widget_set(acme, form=FORM)
    asked = browser.begin().json()["form"]
    assert [field["id"] for field in asked] == ["name", "email", "about", "news", "ok"]
    browser.say()
    assert "form" not in browser.begin().json()


def test_answers_are_kept_with_conversation_and_customer(
    browser: Browser, acme: TenantContext
) -> None:
    widget_set(acme, form=FORM)
    for _ in range(2):  # answering again is harmless
        assert browser.call("form", answers=ANSWERS).status_code == 200
    conversation = conversation_of(browser)
    assert conversation.context["form"] == [
        {"id": "name", "label": "Your name", "value": "Maeve"},
        {"id": "email", "label": "E-mail", "value": "maeve@example.com"},
        {"id": "about", "label": "About", "value": "Order"},
        {"id": "ok", "label": "I agree", "value": True},
    ]
    assert (conversation.customer.name, conversation.customer.email) == (
        "Maeve",
        "maeve@example.com",
    )
    assert conversation.customer.answers["ok"]["label"] == "I agree"
    assert "form" not in browser.begin().json()


@pytest.mark.parametrize(
    ("answers", "faults"),
    [
        ({}, {"/answers/name", "/answers/ok"}),
        ({**ANSWERS, "email": "no address"}, {"/answers/email"}),
        ({**ANSWERS, "about": "Neither"}, {"/answers/about"}),
        ({**ANSWERS, "ok": False}, {"/answers/ok"}),
        ({**ANSWERS, "ok": "yes"}, {"/answers/ok"}),
        ({**ANSWERS, "name": "x" * 501}, {"/answers/name"}),
        ({**ANSWERS, "name": 7}, {"/answers/name"}),
        ({**ANSWERS, "name": "a\x00"}, {"/answers/name"}),
        ({**ANSWERS, "news": "on"}, {"/answers/news"}),
        ({**ANSWERS, "other": "x"}, {"/answers/other"}),
    ],
)
def test_answers_are_checked_by_the_server(
    browser: Browser, acme: TenantContext, answers: dict[str, Any], faults: set[str]
) -> None:
    widget_set(acme, form=FORM)
    assert pointers(browser.call("form", answers=answers)) == faults
    assert "form" not in conversation_of(browser).context


def test_identified_visitor_is_not_asked_what_is_known(
    browser: Browser, acme: TenantContext
) -> None:
    widget_set(acme, form=FORM)
    token = signed(secret_made(acme), name="Maeve Larkin", email="maeve@example.com")
    asked = browser.begin(token).json()["form"]
    assert [field["id"] for field in asked] == ["about", "news", "ok"]


def test_consent_is_asked_again_when_its_words_change(
    browser: Browser, acme: TenantContext, people: Any
) -> None:
    widget_set(acme, form=FORM)
    browser.call("form", answers=ANSWERS)
    browser.say()
    with tenancy.tenant_scope(acme):
        services.conversation_resolve(
            conversation_id=UUID(browser.session["conversation_id"]),
            person_id=people["acme", "agent"].pk,
        )
    assert [each["id"] for each in browser.begin().json()["form"]] == ["about", "news"]
    widget_set(acme, form=[*FORM[:-1], {**FORM[-1], "label": "I agree to more"}])
    assert [each["id"] for each in browser.begin().json()["form"]] == ["about", "news", "ok"]


def test_form_names_nobody_where_tokens_alone_count(browser: Browser, acme: TenantContext) -> None:
    widget_set(acme, form=FORM, requires_identity=True)
    browser.call("form", answers=ANSWERS)
    conversation = conversation_of(browser)
    assert conversation.customer.name == conversation.customer.email == ""
    assert {"id": "name", "label": "Your name", "value": "Maeve"} in conversation.context["form"]


@pytest.mark.parametrize("name", ["form", "contact", "rating"])
def test_nobody_answers_for_somebody_elses_conversation(browser: Browser, name: str) -> None:
    other = Browser(browser.tenant)
    other.begin()
    theirs = {"conversation_id": other.session["conversation_id"]}
    body: dict[str, dict[str, Any]] = {
        "form": {"answers": {}},
        "contact": {"email": "a@b.example"},
        "rating": {"score": 5},
    }
    assert browser.call(name, **body[name], **theirs).status_code == 404


# --- nobody is there


def test_who_asks_for_a_person_learns_that_nobody_is_there_and_leaves_an_address(
    browser: Browser,
) -> None:
    browser.say("Is anybody there?")
    answer = browser.call("handover").json()
    assert (answer["reachable"], answer["contact_known"]) == (False, False)
    assert pointers(browser.call("contact", email="nowhere")) == {"/email"}
    assert browser.call("contact", name="Maeve", email="maeve@example.com").status_code == 200
    assert browser.call("handover").json()["contact_known"] is True
    conversation = conversation_of(browser)
    assert conversation.context["contact"]["email"] == "maeve@example.com"
    assert conversation.customer.email == "maeve@example.com"


def test_agents_see_answers_attributes_and_where_to_answer(
    browser: Browser, acme: TenantContext, sign_in: Any
) -> None:
    widget_set(acme, form=FORM)
    browser.call("form", answers=ANSWERS)
    browser.call("visitor", attributes={"plan": "gold <b>"})
    browser.say()
    browser.call("contact", email="other@example.com")
    conversation = browser.session["conversation_id"]
    page = sign_in("acme", "agent").get(f"/inbox/{conversation}/").content.decode()
    for text in ("I agree", "Order", "gold &lt;b&gt;", "other@example.com"):
        assert text in page
