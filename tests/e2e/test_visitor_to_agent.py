"""The whole path in a real browser: a business signs up, its visitor asks, a person takes over.

One story, told in steps that need each other. Each side has a browser context of its own, as each
would have a machine of its own.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

PASSWORD = "a quiet sentence of mine 7"
POLICY = """# Returns

You can return a canoe within 45 days of delivery, also when it has been on the water once.
The canoe must be dry and its paddle must come with it.

## Refunds

We refund the price to the card you paid with within 6 working days of receiving the canoe.

## Delivery

A canoe is delivered by lorry in 9 working days. Delivery on a Saturday costs 35 euros more.
"""
QUESTION = "How many days do I have to return a canoe that was on the water once?"
NOT_IN_THE_DOCUMENTS = "Which pasta sauce goes best with salmon?"
SHOP_PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Canoe Club</title></head>
  <body><h1>Canoes</h1>SNIPPET</body>
</html>
"""
AI_MESSAGE = ".message[data-author=ai][data-seq]"
READY_MS = 60_000
pytestmark = pytest.mark.usefixtures("step")


@dataclass(frozen=True)
class Workspace:
    """A business that has just signed up."""

    base_url: str
    context: BrowserContext
    page: Page


@dataclass(frozen=True)
class Visit:
    """A visitor's page with the chat open in it."""

    page: Page
    panel: FrameLocator

    def say(self, text: str) -> None:
        self.panel.get_by_label("Your message").fill(text)
        self.panel.get_by_role("button", name="Send").click()

    def message(self, author: str, text: str) -> Any:
        said = self.panel.locator(f".message[data-author={author}][data-seq]")
        return said.filter(has_text=text)


@pytest.fixture(scope="module")
def workspace(browser: Browser, stack: dict[str, Any]) -> Iterator[Workspace]:
    """Sign up a new business, as anybody would, and stay signed in as its owner."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    slug = f"e2e-{secrets.token_hex(4)}"
    page.goto(f"{stack['platform']['base_url']}/signup/")
    page.fill("[name=name]", "Canoe Club Shop")
    page.fill("[name=slug]", slug)
    page.fill("[name=email]", f"owner@{slug}.example.com")
    page.fill("[name=password]", PASSWORD)
    page.locator("form button[type=submit]").click()
    page.wait_for_url(lambda url: f"//{slug}." in url)
    yield Workspace(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2], context, page)
    context.close()


class Shop:
    """The business's own web site: one page, with a strict content security policy."""

    def __init__(self) -> None:
        self.page = b""
        self.policy = ""
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", shop.policy)
                self.end_headers()
                self.wfile.write(shop.page)

            def log_message(self, *_: Any) -> None:
                """Say nothing: pytest's output is for failures."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://canoe-club.localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()


@pytest.fixture(scope="module")
def snippet(workspace: Workspace, shop: Shop) -> str:
    """Allow the shop's own site and copy the line of script, as the settings page offers it."""
    page = workspace.page
    page.goto(f"{workspace.base_url}/settings/widget/")
    line = page.locator("#widget-snippet").inner_text()
    page.get_by_role("link", name="Sites and look").click()
    page.get_by_label("Sites that may show the chat").fill(shop.url)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-toasts]")).to_contain_text("Saved")
    return line


@pytest.fixture(scope="module")
def visit(browser: Browser, workspace: Workspace, shop: Shop, snippet: str) -> Iterator[Visit]:
    """Open the shop's own page as a visitor, and the chat on it.

    The site allows itself nothing but the script and the frame: no inline style, no connection.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    own = workspace.base_url
    shop.policy = f"default-src 'none'; script-src {own}; frame-src {own}; style-src 'none'"
    shop.page = SHOP_PAGE.replace("SNIPPET", snippet).encode()
    page.goto(f"{shop.url}/")
    page.get_by_role("button", name="Open chat").click()
    panel = page.frame_locator("#frontdesk-widget iframe")
    panel.get_by_label("Your message").wait_for()
    yield Visit(page, panel)
    context.close()


def test_document_is_uploaded_and_read(workspace: Workspace, tmp_path: Path) -> None:
    document = tmp_path / "returns.md"
    document.write_text(POLICY)
    page = workspace.page
    page.goto(f"{workspace.base_url}/knowledge/")
    page.set_input_files("input[type=file]", document)
    page.get_by_role("button", name="Upload", exact=True).click()
    row = page.locator("[data-document]", has_text="returns.md")
    expect(row).to_have_attribute("data-state", "ready", timeout=READY_MS)


def test_answer_comes_with_a_citation_that_opens_at_the_passage(visit: Visit) -> None:
    visit.say(QUESTION)
    answer = visit.message("ai", "45 days")
    expect(answer).to_be_visible()
    with visit.page.context.expect_page() as opened:
        answer.locator(".sources a").first.click()
    source = opened.value
    expect(source.locator("mark")).to_contain_text("45 days")
    source.close()


def test_what_the_documents_do_not_say_is_not_invented(visit: Visit) -> None:
    visit.say(NOT_IN_THE_DOCUMENTS)
    expect(visit.panel.locator(AI_MESSAGE)).to_have_count(2)
    expect(visit.panel.locator(f"{AI_MESSAGE} .offer")).to_be_visible()


def test_request_for_a_person_appears_in_the_inbox_without_reload(
    workspace: Workspace, visit: Visit
) -> None:
    page = workspace.page
    page.goto(f"{workspace.base_url}/inbox/")
    expect(page.locator("#inbox-line")).to_have_attribute("data-state", "up")
    expect(page.locator("a.inbox-row")).to_have_count(0)
    page.evaluate("window.neverReloaded = true")
    visit.panel.locator("#person").click()
    expect(visit.panel.locator(".banner[data-kind=queued]")).to_be_visible()
    expect(page.locator("a.inbox-row")).to_have_count(1)
    assert page.evaluate("window.neverReloaded") is True


def test_agent_claims_and_replies_and_the_visitor_sees_it(
    workspace: Workspace, visit: Visit
) -> None:
    page = workspace.page
    page.locator("a.inbox-row").click()
    expect(page.locator("#inbox-messages")).to_contain_text("45 days")
    expect(page.get_by_label("Reply", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Claim").click()
    expect(visit.panel.locator(".banner[data-kind=assigned]")).to_be_visible()
    page.get_by_label("Reply", exact=True).fill("Hello, this is a person.")
    page.get_by_label("Reply", exact=True).press("Enter")
    expect(visit.message("agent", "Hello, this is a person.")).to_be_visible()
    expect(page.locator("#inbox-messages [data-author=agent][data-seq]")).to_have_count(1)
    expect(page.locator("#inbox-messages [data-pending]")).to_have_count(0)
    assert page.evaluate("window.neverReloaded") is True


def _type_until_seen(visit: Visit, inbox: Page, text: str) -> None:
    """Type until the agent sees it: a typing frame is a hint, and hints may be dropped."""
    box, indicator = visit.panel.get_by_label("Your message"), inbox.locator("#inbox-typing")
    for _ in range(5):
        box.fill("")
        box.press_sequentially(text, delay=120)
        if indicator.is_visible():
            return
    raise AssertionError("The agent never saw that the visitor was typing.")


def test_ai_stays_silent_while_a_person_has_the_conversation(
    workspace: Workspace, visit: Visit
) -> None:
    before = visit.panel.locator(AI_MESSAGE).count()
    _type_until_seen(visit, workspace.page, "How long is delivery?")
    visit.panel.get_by_role("button", name="Send").click()
    expect(workspace.page.locator("#inbox-messages")).to_contain_text("How long is delivery?")
    visit.page.wait_for_timeout(2_000)
    assert visit.panel.locator(AI_MESSAGE).count() == before


def test_why_this_answer_leads_to_the_run(workspace: Workspace) -> None:
    link = workspace.page.get_by_role("link", name="Why this answer?").first
    address = link.get_attribute("href")
    page = workspace.context.new_page()
    response = page.goto(f"{workspace.base_url}{address}")
    assert response is not None
    assert response.ok
    page.close()


def test_agent_resolves_with_the_keyboard_and_the_visitor_is_told(
    workspace: Workspace, visit: Visit
) -> None:
    workspace.page.locator("#inbox-log").focus()
    workspace.page.keyboard.press("e")
    expect(visit.panel.locator(".banner[data-kind=resolved]")).to_be_visible()
    expect(workspace.page.locator("#inbox-state")).to_have_attribute("data-state", "resolved")
    expect(workspace.page.locator("#inbox-locked")).to_be_visible()


def test_reload_shows_the_visitor_the_same_transcript(visit: Visit) -> None:
    texts = visit.panel.locator(".message[data-seq] .bubble").all_inner_texts()
    assert len(texts) == len(set(texts)) == 6
    visit.say("One more thing")
    expect(visit.message("visitor", "One more thing")).to_be_visible()
    visit.page.reload()
    again = visit.panel.locator(".message[data-seq] .bubble")
    expect(again.filter(has_text="One more thing")).to_have_count(1)
    assert again.all_inner_texts()[: len(texts)] == texts
