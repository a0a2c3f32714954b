"""What the panel asks: a form before, an address while nobody is there, a rating after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from bench.support.visits import Workspace
from bench.support.widget_page import Seen, panel_of, panel_open
from bench.support.widget_states import ANSWERED, FORM, QUESTION

Visit = Callable[..., tuple[Page, Seen]]


@pytest.fixture
def form(workspace: Workspace) -> Iterator[None]:
    """Have acme ask before the first message, for one test."""
    token = workspace.agent_token()

    def set_to(fields: list[dict[str, Any]]) -> None:
        path = "/api/v1/settings/widget_visitors"
        version = workspace.ask("GET", path, bearer=token)["version"]
        body = {"version": version, "values": {"form": fields}}
        workspace.ask("PATCH", path, body, bearer=token)

    set_to(FORM)
    yield
    set_to([])


def ask(panel: FrameLocator) -> None:
    panel.locator("#text").fill(QUESTION)
    panel.locator("#text").press("Enter")
    panel.locator(ANSWERED).first.wait_for()


def resolve(seen: Seen, workspace: Workspace) -> str:
    answers = [each for each in seen.responses if urlsplit(each.url).path == "/widget/session"]
    conversation = str(answers[-1].json()["conversation_id"])
    path = f"/api/v1/conversations/{conversation}/resolve"
    workspace.ask("POST", path, {}, bearer=workspace.agent_token())
    return conversation


def test_form_is_answered_by_keyboard_before_the_first_message(visit: Visit, form: None) -> None:
    page, _ = visit()
    panel = panel_open(page)
    expect(panel.locator("#foot")).to_be_hidden()
    panel.get_by_role("button", name="Start the conversation").focus()
    page.keyboard.press("Enter")
    name = panel.get_by_label("Your name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(panel.locator("#field-name-fault")).to_have_text("Please fill this in.")
    page.keyboard.type("Maeve")
    page.keyboard.press("Tab")
    page.keyboard.type("maeve@example.com")
    panel.get_by_label("I agree").focus()
    page.keyboard.press("Space")
    panel.get_by_label("I agree").press("Enter")
    expect(panel.locator("#text")).to_be_focused()
    expect(panel.locator("#card")).to_be_hidden()
    ask(panel)


def test_known_visitor_is_not_asked_twice(visit: Visit, form: None) -> None:
    page, _ = visit()
    panel = panel_open(page)
    panel.get_by_label("Your name").fill("Maeve")
    panel.get_by_label("I agree").check()
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator("#text")).to_be_visible()
    page.reload()
    expect(panel_of(page).locator("#log[aria-busy=false]")).to_be_visible()
    expect(panel_of(page).locator("#card")).to_be_hidden()


def test_visitor_leaves_an_address_while_nobody_is_there(visit: Visit) -> None:
    page, _ = visit()
    panel = panel_open(page)
    ask(panel)
    panel.locator("#person").click()
    card = panel.get_by_role("region", name="Nobody can answer just now")
    card.get_by_label("E-mail address").fill("nowhere")
    card.get_by_role("button", name="Send").click()
    expect(card.locator("#field-email-fault")).to_contain_text("name@example.com")
    card.get_by_label("E-mail address").fill("maeve@example.com")
    card.get_by_role("button", name="Send").click()
    expect(panel.locator("#card")).to_contain_text("We will write to maeve@example.com.")
    expect(panel.locator("#said")).to_contain_text("maeve@example.com")


def test_visitor_rates_what_was_resolved_and_changes_it(visit: Visit, workspace: Workspace) -> None:
    page, seen = visit()
    panel = panel_open(page)
    ask(panel)
    conversation = resolve(seen, workspace)
    panel.locator("label[for=score-2]").click()
    panel.get_by_label("Would you like to add something?").fill("Slow")
    panel.get_by_role("button", name="Send rating").click()
    panel.get_by_role("button", name="Change").click()
    expect(panel.get_by_role("radio", name="Bad", exact=True)).to_be_checked()
    page.keyboard.press("Tab")
    panel.get_by_role("radio", name="Bad", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    panel.get_by_role("button", name="Send rating").click()
    expect(panel.locator("#card")).to_contain_text("Thank you for your rating.")
    found = workspace.ask("GET", "/api/v1/ratings", bearer=workspace.agent_token())["results"]
    scores = [each["score"] for each in found if each["conversation_id"] == conversation]
    assert scores == [4]


def test_visitor_who_comes_back_is_asked_and_finds_what_was_said(
    visit: Visit, workspace: Workspace
) -> None:
    page, seen = visit()
    ask(panel_open(page))
    page.evaluate("$frontdesk.close()")
    resolve(seen, workspace)
    page.reload()
    panel = panel_open(page)
    expect(panel.get_by_role("region", name="How was this conversation?")).to_be_visible()
    panel.locator("#earlier button").click()
    expect(panel.locator(ANSWERED)).to_have_count(1)
    expect(panel.locator(".banner[data-kind=resolved]")).to_be_visible()


def test_unread_messages_are_counted_on_the_launcher(visit: Visit) -> None:
    page, _ = visit()
    panel = panel_open(page)
    panel.locator("#text").fill(QUESTION)
    panel.locator("#text").press("Enter")
    page.evaluate("$frontdesk.close()")
    expect(page.get_by_role("button", name="Open chat (Unread: 1)")).to_be_visible()
    page.get_by_role("button", name="Open chat").click()
    page.evaluate("$frontdesk.close()")
    expect(page.get_by_role("button", name="Open chat", exact=True)).to_be_visible()
