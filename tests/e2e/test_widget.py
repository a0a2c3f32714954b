"""The widget on a shop's page of another origin, under a strict policy: page API, keys, ears."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from bench.support.widget_page import (
    WIDGET,
    Seen,
    Shop,
    panel_frame,
    panel_of,
    panel_open,
    violations,
)
from bench.support.widget_states import ANSWERED, QUESTION
from tests.conversations.widget_posts import signed
from tests.e2e.people import sign_in

Visit = Callable[..., tuple[Page, Seen]]
# Everything that a screen reader says of itself: what is added to a live region and not hidden.
EARS = """
window.said = [];
const isHidden = (node) => Boolean(node.parentElement?.closest("[aria-hidden=true], [hidden]"));
const hear = (records) => {
  for (const { addedNodes, target } of records) {
    const region = target.closest?.("[aria-live], [role=status], [role=alert]");
    if (!region || region.getAttribute("aria-busy") === "true") continue;
    for (const node of addedNodes) {
      if (node.getAttribute?.("aria-hidden") === "true" || isHidden(node)) continue;
      window.said.push(node.textContent.replace(/\\s+/gu, " ").trim());
    }
  }
};
new MutationObserver(hear).observe(document.body, { childList: true, subtree: true });
"""


@pytest.fixture(scope="module")
def secret(browser: Browser, tenant: dict[str, Any]) -> str:
    """Make the secret as an owner does, on the settings' page."""
    page = browser.new_page()
    sign_in(page, tenant, "owner")
    page.goto(f"{tenant['base_url']}/settings/widget/visitors/")
    page.on("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Make").click()
    made = page.locator("#widget-secret").inner_text().strip()
    page.close()
    return made


def heard(page: Page, name: str) -> list[Any]:
    found: list[Any] = page.evaluate(
        "(name) => window.heard.filter(([each]) => each === name).map(([, detail]) => detail)",
        name,
    )
    return found


def ask(panel: FrameLocator) -> None:
    panel.locator("#text").fill(QUESTION)
    panel.locator("#text").press("Enter")
    panel.locator(ANSWERED).first.wait_for()


def conversation_of(seen: Seen) -> str:
    answers = [each for each in seen.responses if urlsplit(each.url).path == "/widget/session"]
    return str(answers[-1].json()["conversation_id"])


# --- what it loads


def test_widget_calls_no_third_party_and_breaks_no_policy(visit: Visit, shop: Shop) -> None:
    page, seen = visit()
    ask(panel_open(page))
    hosts = {urlsplit(each.url).netloc for each in seen.requests}
    assert hosts == {urlsplit(shop.address).netloc, urlsplit(shop.origin).netloc}
    assert {urlsplit(url).hostname for url in seen.sockets} == {urlsplit(shop.origin).hostname}
    assert seen.complaints == []


# --- the page's API


def test_events_tell_the_page_what_happens_and_no_text(visit: Visit) -> None:
    page, _ = visit()
    ask(panel_open(page))
    page.evaluate("window.$frontdesk.close()")
    assert [len(heard(page, name)) for name in ("ready", "open", "close")] == [1, 1, 1]
    told = heard(page, "message")
    assert [each["author"] for each in told] == ["visitor", "ai"]
    assert all(set(each) == {"id", "seq", "author", "name", "at"} for each in told)
    assert heard(page, "error") == []


def test_calls_before_the_panel_is_there_are_kept_for_it(visit: Visit, secret: str) -> None:
    token = signed(secret, sub="e2e-early", name="Early Bird")
    page, seen = visit(
        f"$frontdesk.setUser({json.dumps(token)}); $frontdesk.setAttributes({{ plan: 'gold' }});"
    )
    panel_open(page)
    sessions = [each for each in seen.responses if urlsplit(each.url).path == "/widget/session"]
    assert [each.json().get("identified") for each in sessions] == [True]
    told = _told(page, seen, "/widget/visitor")
    assert told == [{"attributes": {"plan": "gold"}}]


def _told(page: Page, seen: Seen, path: str) -> list[Any]:
    """Return what the calls of a path were answered, once there is one."""
    for _ in range(100):
        found = [each for each in seen.responses if urlsplit(each.url).path == path]
        if found:
            return [each.json() for each in found]
        page.wait_for_timeout(100)
    raise AssertionError(f"{path} was never called")


def test_conversation_follows_the_customer_to_another_browser(visit: Visit, secret: str) -> None:
    name = json.dumps(signed(secret, sub="e2e-carried"))
    page, seen = visit()
    ask(panel_open(page))
    anonymous = conversation_of(seen)
    page.evaluate(f"$frontdesk.setUser({{ user_token: {name} }})")
    page.wait_for_timeout(500)
    expect(panel_of(page).locator(ANSWERED)).to_have_count(1)
    other, there = visit(f"$frontdesk.setUser({name})")
    panel_open(other)
    expect(panel_of(other).locator(ANSWERED)).to_have_count(1)
    assert conversation_of(there) == anonymous


def test_bad_token_is_an_error_and_nobodys_history(visit: Visit, secret: str) -> None:
    page, seen = visit(f"$frontdesk.setUser({json.dumps(signed(secret, sub='e2e-known'))})")
    ask(panel_open(page))
    known = conversation_of(seen)
    page.evaluate(f"$frontdesk.setUser({json.dumps(signed('not the secret' * 5))})")
    expect(panel_of(page).locator(".toast")).to_be_visible()
    assert heard(page, "error")[0]["code"] == "identity_token_invalid"
    expect(panel_of(page).locator("#log[aria-busy=false]")).to_be_visible()
    expect(panel_of(page).locator(ANSWERED)).to_have_count(0)
    assert conversation_of(seen) != known


def test_reset_forgets_the_visitor(visit: Visit) -> None:
    page, seen = visit()
    ask(panel_open(page))
    before = conversation_of(seen)
    page.evaluate("$frontdesk.reset()")
    expect(panel_of(page).locator(ANSWERED)).to_have_count(0)
    expect(panel_of(page).locator("#log[aria-busy=false]")).to_be_visible()
    assert conversation_of(seen) != before


def test_locale_changes_launcher_and_panel_and_keeps_the_conversation(visit: Visit) -> None:
    page, _ = visit()
    ask(panel_open(page))
    page.evaluate("$frontdesk.setLocale('ar')")
    expect(panel_of(page).locator("html[lang=ar][dir=rtl]")).to_have_count(1)
    expect(panel_of(page).locator(ANSWERED)).to_have_count(1)
    page.evaluate("$frontdesk.close()")
    expect(page.get_by_role("button", name="فتح المحادثة")).to_be_visible()


@pytest.mark.parametrize("call", ["setUser()", "setUser({})", "setAttributes('x')"])
def test_nonsense_is_an_error_and_breaks_nothing(visit: Visit, call: str) -> None:
    page, _ = visit(f"$frontdesk.{call}")
    assert heard(page, "error")
    panel_open(page)


# --- keys and ears


def focused(page: Page) -> str:
    """Return the id of what has the focus in the panel, or its role and text."""
    found: str = panel_frame(page).evaluate(
        """() => { const node = document.activeElement;
        return node.id || node.name || node.className || node.localName; }"""
    )
    return found


def test_focus_goes_in_order_and_comes_back(visit: Visit) -> None:
    page, _ = visit()
    page.locator(f"{WIDGET} button").first.focus()
    page.keyboard.press("Enter")
    panel = panel_of(page)
    panel.locator("#log[aria-busy=false]").wait_for()
    expect(panel.locator("#text")).to_be_focused()
    panel.locator("#sound").focus()
    order = [focused(page)]
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(focused(page))
    while order[-1] == "button":  # the suggestions, as many as there are
        page.keyboard.press("Tab")
        order.append(focused(page))
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert [each for each in order if each != "button"] == [
        *("sound", "close", "log"),
        *("attach", "text", "send", "person"),
    ]
    page.keyboard.press("Escape")
    expect(page.locator(f"{WIDGET} button").first).to_be_focused()


def test_screen_reader_hears_each_message_once_and_no_half_answer(visit: Visit) -> None:
    page, _ = visit()
    panel = panel_open(page)
    panel_frame(page).evaluate(EARS)
    ask(panel)
    answer = panel.locator(f"{ANSWERED} .text").first.inner_text()
    panel.locator("#person").click()
    panel.locator(".banner[data-kind=queued]").wait_for()
    page.wait_for_timeout(300)
    said: list[str] = panel_frame(page).evaluate("window.said")
    beginning = " ".join(answer.split())[:40]
    assert len([each for each in said if beginning in each]) == 1
    assert len([each for each in said if each.startswith("You said:") and QUESTION in each]) == 1
    assert any("is typing" in each for each in said)
    assert any("You are" in each and "keep writing" in each for each in said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_panel_has_no_barrier_that_axe_finds(visit: Visit, scheme: str) -> None:
    page, _ = visit(color_scheme=scheme)
    assert violations(page, WIDGET) == []
    ask(panel_open(page))
    page.wait_for_timeout(300)
    assert violations(panel_frame(page)) == []


def test_sound_is_off_until_the_visitor_wants_it(visit: Visit) -> None:
    page, seen = visit()
    panel = panel_open(page)
    expect(panel.locator("#sound")).to_have_attribute("aria-pressed", "false")
    panel.locator("#sound").click()
    page.reload()
    panel = panel_of(page)
    expect(panel.locator("#sound")).to_have_attribute("aria-pressed", "true")
    assert seen.complaints == []
