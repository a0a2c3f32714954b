"""The page on which a workspace says what visitors are asked, and the words visitors see."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from conversations import selectors, services
from core import tenancy
from core.tenancy import TenantContext
from tenants.preferences.selectors import change_list

PAGE = "/settings/widget/visitors/"
NO_ROW = {"id": "", "kind": "", "label": "", "options": ""}


def entered(*rows: dict[str, str], **switches: str) -> dict[str, str]:
    """Return what the page's form sends with these questions."""
    sent = {
        "question-TOTAL_FORMS": str(len(rows)),
        "question-INITIAL_FORMS": "0",
        "question-MIN_NUM_FORMS": "0",
        "question-MAX_NUM_FORMS": "8",
        **switches,
    }
    for number, row in enumerate(rows):
        sent |= {f"question-{number}-{name}": value for name, value in (NO_ROW | row).items()}
    return sent


def form_of(tenant: TenantContext) -> list[dict[str, Any]]:
    with tenancy.tenant_scope(tenant):
        widget = selectors.widget_current()
    return list(widget.form) if widget else []


@pytest.fixture
def owner(sign_in: Any, acme: TenantContext) -> Client:
    client: Client = sign_in("acme", "owner")
    return client


def test_questions_are_saved_with_ids_of_their_own(
    owner: Client, acme: TenantContext, globex: TenantContext
) -> None:
    data = entered(
        {"kind": "text", "label": "Your name", "required": "on"},
        {"kind": "email", "label": "E-mail"},
        {"kind": "select", "label": "About", "options": "Order, Return,, Order"},
        {"kind": "text", "label": "Wie heißt es?"},
        {},
        asks_rating="on",
    )
    assert owner.post(PAGE, data).status_code == 302
    found = form_of(acme)
    assert [each["id"] for each in found] == ["name", "e_mail", "about", "wie_hei_t_es"]
    assert found[2]["options"] == ["Order", "Return"]
    assert form_of(globex) == []
    with tenancy.tenant_scope(acme):
        assert change_list()[0].group == "widget_visitors"
    assert "Your name" in owner.get(PAGE).content.decode()


def test_id_stays_when_the_words_change(owner: Client, acme: TenantContext) -> None:
    owner.post(PAGE, entered({"kind": "text", "label": "Order number"}))
    row = {"id": "order_number", "kind": "text", "label": "Number of your order"}
    owner.post(PAGE, entered(row, {"kind": "text", "label": "Order number"}))
    assert [each["id"] for each in form_of(acme)] == ["order_number", "order_number_2"]


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "text", "label": ""},
        {"kind": "text", "label": "x" * 201},
        {"kind": "select", "label": "About", "options": "One"},
        {"kind": "secret", "label": "Password"},
        {"kind": "text", "label": "Fine", "id": "Not Fine"},
    ],
)
def test_question_that_cannot_be_asked_is_refused(
    owner: Client, acme: TenantContext, row: dict[str, str]
) -> None:
    assert owner.post(PAGE, entered(row)).status_code == 422
    assert form_of(acme) == []


def test_more_than_eight_questions_are_refused(owner: Client) -> None:
    rows = [{"kind": "text", "label": f"Question {number}"} for number in range(9)]
    assert owner.post(PAGE, entered(*rows)).status_code == 422


def test_page_shows_what_somebody_changed_meanwhile(owner: Client, acme: TenantContext) -> None:
    owner.post(PAGE, entered(asks_rating="on", requires_identity="on", version="0"))
    late = owner.post(PAGE, entered(version="0"))
    assert late.status_code == 422
    with tenancy.tenant_scope(acme):
        assert services.widget_ensure().requires_identity is True


@pytest.mark.parametrize(
    "form",
    [
        [{"id": "a", "kind": "select", "label": "A"}],
        [{"id": "a", "kind": "text", "label": "A", "options": ["x"]}],
        [{"id": "a", "kind": "text", "label": "A"}, {"id": "a", "kind": "text", "label": "B"}],
        [{"id": "a", "kind": "text", "label": "A", "html": "<b>"}],
        [{"id": f"a{n}", "kind": "text", "label": "A"} for n in range(9)],
        "text",
    ],
)
def test_settings_over_rest_refuse_the_same(owner: Client, acme: TenantContext, form: Any) -> None:
    answer = owner.patch(
        "/api/v1/settings/widget_visitors",
        {"version": 0, "values": {"form": form}},
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert form_of(acme) == []


# --- words and looks


def panel(acme: TenantContext, accept: str = "", **query: str) -> str:
    with tenancy.tenant_scope(acme):
        key = services.widget_ensure().key
    client = Client(headers={"host": "acme.localhost:8000"})
    found = client.get("/widget/panel/", {"key": key, **query}, headers={"accept-language": accept})
    return str(found.content.decode())


@pytest.mark.parametrize(
    ("accept", "locale", "language"),
    [
        ("", "", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8", "", "fr"),
        ("xx, pl;q=0.5", "", "pl"),
        ("fr", "de", "de"),
        ("fr", "tlh", "fr"),
        ("", "pt-BR", "pt"),
        ("", "x" * 500, "en"),
        (";;;q=,", '"><b>', "en"),
    ],
)
def test_panel_speaks_what_the_page_asks_for_else_what_the_browser_does(
    acme: TenantContext, accept: str, locale: str, language: str
) -> None:
    assert f'<html lang="{language}" dir="ltr"' in panel(acme, accept, locale=locale)


def test_panel_reads_from_right_to_left_where_the_language_does(acme: TenantContext) -> None:
    page = panel(acme, locale="ar")
    assert '<html lang="ar" dir="rtl"' in page
    assert "إرسال" in page


def test_theme_of_the_workspace_is_in_the_page(acme: TenantContext) -> None:
    assert 'data-theme="auto"' in panel(acme)
    with tenancy.tenant_scope(acme):
        services.widget_update(widget_id=services.widget_ensure().pk, theme="dark")
    assert 'data-theme="dark"' in panel(acme)
