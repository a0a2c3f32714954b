"""The inbox and the widget in a browser: races, keyboard, what a screen reader is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

Tenant = dict[str, Any]

# What every control must have: a name that assistive technology can say.
NAMELESS = """
(root) => [...root.querySelectorAll("button, a[href], input, textarea, select, iframe")]
  .filter((node) => node.type !== "hidden" && node.checkVisibility())
  .filter((node) => !(
    node.getAttribute("aria-label") || node.title || node.textContent.trim() || node.labels?.length
    || node.getAttribute("aria-labelledby")
  ))
  .map((node) => node.outerHTML.slice(0, 120))
"""
DUPLICATE_IDS = """
() => {
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}
"""

# News that never pauses for as long as the list waits before it asks; the answers are counted.
BUSY = """
async () => {
  document.body.innerHTML = `<div id="inbox" data-list="/list" data-view="all">
    <input id="inbox-search"><div id="inbox-rows"></div></div>`;
  let asked = 0;
  window.fetch = async () => { asked += 1; return new Response("<ul></ul>"); };
  const { List } = await import("/static/inbox/list.js");
  const list = new List({ root: document.getElementById("inbox") });
  for (let count = 0; count < 40; count += 1) {
    list.refreshSoon();
    await new Promise((go) => setTimeout(go, 25));
  }
  return asked;
}
"""


@pytest.fixture
def acme(stack: dict[str, Any]) -> Tenant:
    tenant: Tenant = stack["tenants"]["acme"]
    return tenant


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page in a fresh context."""
    contexts = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", **options}
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, tenant: Tenant, who: str) -> Page:
    page.goto(f"{tenant['base_url']}/login/")
    page.fill("[name=email]", tenant[who]["email"])
    page.fill("[name=password]", tenant[who]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tenant['base_url']}/")
    return page


def visit(page: Page, tenant: Tenant) -> FrameLocator:
    page.goto(tenant["demo_url"])
    page.get_by_role("button", name="Open chat").click()
    panel = page.frame_locator("#frontdesk-widget iframe")
    panel.locator("#log[aria-busy=false]").wait_for()
    return panel


def conversation_id(page: Page) -> str:
    """Return the visitor's conversation, as the panel keeps it."""
    frame = next(frame for frame in page.frames if "/widget/panel/" in frame.url)
    kept: str = frame.evaluate(
        """async () => {
          const key = JSON.parse(document.getElementById("config").textContent).key;
          for (let tries = 0; tries < 100; tries += 1) {
            const seen = JSON.parse(localStorage.getItem(`frontdesk:${key}:seen`) ?? "null");
            if (seen) return seen.conversation;
            await new Promise((go) => setTimeout(go, 50));
          }
          throw new Error("nothing was seen");
        }"""
    )
    return kept


def handed_over(page: Page, tenant: Tenant) -> str:
    """Ask for a person as a new visitor; return the conversation's id."""
    panel = visit(page, tenant)
    panel.locator("#person").click()
    expect(panel.locator(".banner[data-kind=queued]")).to_be_visible()
    return conversation_id(page)


def test_of_two_agents_who_claim_at_once_the_second_sees_who_has_it(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    conversation = handed_over(new_page(), acme)
    address = f"{acme['base_url']}/inbox/{conversation}/"
    quick, late = sign_in(new_page(), acme, "agent"), sign_in(new_page(), acme, "owner")
    # The late page hears nothing, as if the news were still on its way.
    late.route_web_socket("**/ws/inbox/", lambda _: None)
    for page in (quick, late):
        page.goto(address)
    quick.get_by_role("button", name="Claim").click()
    expect(quick.locator("#inbox-state")).to_have_attribute("data-mine", "1")
    late.get_by_role("button", name="Claim").click()
    expect(late.locator("[data-toasts]")).to_contain_text("already has this conversation")
    expect(late.locator("[data-action=claim]")).to_have_count(0)
    quick.get_by_role("button", name="Resolve").click()
    expect(quick.locator("#inbox-state")).to_have_attribute("data-state", "resolved")


def test_inbox_is_worked_with_the_keyboard_alone(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    conversation = handed_over(new_page(), acme)
    page = sign_in(new_page(), acme, "agent")
    page.goto(f"{acme['base_url']}/inbox/")
    expect(page.locator(f"a.inbox-row[data-conversation='{conversation}']")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("Escape")
    while page.evaluate("document.activeElement.dataset.conversation") != conversation:
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".inbox-open")).to_have_attribute("data-conversation", conversation)
    page.keyboard.press("c")
    expect(page.locator("#inbox-state")).to_have_attribute("data-mine", "1")
    expect(page.locator("#inbox-reply")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("[data-author=agent][data-seq]")).to_contain_text("By keyboard")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#inbox-state")).to_have_attribute("data-state", "resolved")


def test_inbox_controls_have_names_and_ids_are_unique(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    conversation = handed_over(new_page(), acme)
    page = sign_in(new_page(), acme, "agent")
    page.goto(f"{acme['base_url']}/inbox/{conversation}/")
    assert page.locator("body").evaluate(NAMELESS) == []
    assert page.evaluate(DUPLICATE_IDS) == []
    expect(page.get_by_role("log", name="Messages")).to_be_visible()
    expect(page.get_by_role("complementary", name="Customer")).to_be_visible()
    assert page.locator("h1").count() == 1
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Resolve").click()


def test_list_is_read_again_while_news_never_pauses(page: Page, checkout: str) -> None:
    page.goto(f"{checkout}/tests/e2e/blank.html")
    assert 1 < page.evaluate(BUSY) < 20


def test_inbox_shows_one_pane_at_a_time_on_a_phone(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    conversation = handed_over(new_page(), acme)
    page = sign_in(new_page(viewport={"width": 390, "height": 844}), acme, "agent")
    page.goto(f"{acme['base_url']}/inbox/")
    row = page.locator(f"a.inbox-row[data-conversation='{conversation}']")
    row.click()
    expect(page.locator("#inbox-head")).to_be_visible()
    expect(row).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    page.get_by_role("link", name="Back to the list").click()
    expect(row).to_be_visible()


def test_launcher_opens_closes_and_gives_the_focus_back(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    page = new_page()
    page.goto(acme["demo_url"])
    launcher = page.locator("#frontdesk-widget button")
    expect(launcher).to_have_attribute("aria-expanded", "false")
    assert page.locator("#frontdesk-widget iframe").count() == 0
    launcher.focus()
    page.keyboard.press("Enter")
    expect(launcher).to_have_attribute("aria-expanded", "true")
    panel = page.frame_locator("#frontdesk-widget iframe")
    expect(panel.get_by_label("Your message")).to_be_focused()
    page.keyboard.press("Escape")
    expect(launcher).to_have_attribute("aria-expanded", "false")
    expect(launcher).to_be_focused()
    assert page.evaluate("typeof window.$frontdesk.toggle") == "function"


def test_panel_controls_have_names_and_come_in_a_sensible_order(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    page = new_page()
    panel = visit(page, acme)
    assert panel.locator("body").evaluate(NAMELESS) == []
    expect(panel.get_by_role("log", name="Conversation")).to_be_visible()
    panel.get_by_role("button", name="Close chat").focus()
    order = []
    for _ in range(12):
        order.append(panel.locator("body").evaluate("() => document.activeElement.id || 'other'"))
        page.keyboard.press("Tab")
    found = [name for name in order if name in {"close", "log", "text", "person"}]
    assert found[:4] == ["close", "log", "text", "person"]


def test_panel_fills_a_phone_and_does_not_scroll_sideways(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    panel = visit(page, acme)
    box = page.locator("#frontdesk-widget iframe").bounding_box()
    assert box == pytest.approx({"x": 0, "y": 0, "width": 390, "height": 844}, abs=0.5)
    wide = "() => document.documentElement.scrollWidth > innerWidth"
    assert panel.locator("body").evaluate(wide) is False


def test_reset_begins_a_conversation_of_another_visitor(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    page = new_page()
    panel = visit(page, acme)
    panel.get_by_label("Your message").fill("Remember me")
    panel.get_by_role("button", name="Send").click()
    expect(panel.locator(".message[data-author=visitor][data-seq]")).to_have_count(1)
    page.evaluate("window.$frontdesk.reset()")
    expect(panel.locator(".message")).to_have_count(0)


def test_widget_makes_no_request_to_a_third_party(
    new_page: Callable[..., Page], acme: Tenant
) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, acme)
    assert asked
    own = acme["base_url"].removeprefix("http")
    assert all(own in url or url.startswith("data:") for url in asked)
