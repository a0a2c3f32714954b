"""Who plays in the browser tests' long story: agents and visitors, and what the database holds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    FrameLocator,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from tests.e2e.axe import faults
from tests.e2e.people import sign_in, visit
from tests.e2e.running import Database

WIDE: ViewportSize = {"width": 1440, "height": 900}
# Each message as a reader has it: its number, who said it, and the words.
SHOWN = """
(nodes, words) => nodes.map((node) =>
  [Number(node.dataset.seq), node.dataset.author, node.querySelector(words)?.textContent ?? ""])
"""
SAID = """
SELECT seq, author, text FROM conversations_message
WHERE conversation_id = %s AND author <> 'system' ORDER BY seq
"""
PANEL = "/widget/panel/"


@dataclass
class Visitor:
    """Somebody on the shop's page with the chat open."""

    context: BrowserContext
    page: Page
    panel: FrameLocator
    conversation: str = ""

    def type(self, text: str) -> None:
        self.panel.get_by_label("Your message").press_sequentially(text, delay=40)

    def say(self, text: str) -> Locator:
        self.panel.get_by_label("Your message").fill(text)
        self.panel.get_by_label("Your message").press("Enter")
        return self.said(text)

    def said(self, text: str) -> Locator:
        return self.panel.locator(".message[data-seq]").filter(has_text=text)

    def banner(self, kind: str) -> Locator:
        return self.panel.locator(f".banner[data-kind={kind}]")

    def ask_for_a_person(self) -> None:
        self.panel.locator("#person").click()
        expect(self.banner("queued")).to_be_visible()

    def faults(self) -> list[str]:
        """Return what axe finds fault with in the chat, as it stands."""
        (frame,) = (frame for frame in self.page.frames if PANEL in frame.url)
        return faults(frame)


@dataclass
class Agent:
    """Somebody of the team with the inbox open."""

    context: BrowserContext
    page: Page
    base_url: str

    def views(self, view: str, **more: str) -> None:
        asked = "".join(f"&{name}={value}" for name, value in more.items())
        self.page.goto(f"{self.base_url}/inbox/?view={view}{asked}")
        self._listens()

    def opens(self, conversation: str, view: str = "all") -> None:
        self.page.goto(f"{self.base_url}/inbox/{conversation}/?view={view}")
        self._listens()

    def _listens(self) -> None:
        expect(self.page.locator("#inbox-line")).to_have_attribute("data-state", "up")

    def row(self, conversation: str) -> Locator:
        return self.page.locator(f"a.inbox-row[data-conversation='{conversation}']")

    def does(self, action: str) -> None:
        self.page.locator(f"#inbox-head [data-action={action}] button").click()

    def saves(self, form: str) -> None:
        """Press the button of a form beside the conversation, and see that it was saved."""
        self.page.locator(f"#inbox-about [data-action={form}] button").click()
        expect(self.page.locator("[data-toasts] > *").last).to_contain_text("Saved")

    def type(self, text: str) -> None:
        self.page.get_by_label("Reply", exact=True).press_sequentially(text, delay=40)

    def says(self, text: str) -> None:
        self.page.get_by_label("Reply", exact=True).fill(text)
        self.page.get_by_label("Reply", exact=True).press("Enter")

    def state(self, state: str) -> None:
        expect(self.page.locator("#inbox-state")).to_have_attribute("data-state", state)

    def has_it(self) -> None:
        expect(self.page.locator("#inbox-state")).to_have_attribute("data-mine", "1")


@dataclass
class Cast:
    """Everybody, and a word that nobody said before."""

    tenant: dict[str, Any]
    database: Database
    ada: Agent
    ben: Agent
    vera: Visitor
    wim: Visitor
    xena: Visitor
    alerts: list[str]
    word: str = field(default_factory=lambda: f"q{secrets.token_hex(5)}")

    def transcript(self, visitor: Visitor) -> list[tuple[int, str, str]]:
        return self.database.rows(SAID, visitor.conversation)

    def agrees(self, visitor: Visitor, page: Page | None = None) -> None:
        """Hold what a visitor sees against the database: each message once, in order, as said."""
        wanted = self.transcript(visitor)
        panel = page.frame_locator("#frontdesk-widget iframe") if page else visitor.panel
        found = panel.locator(".message[data-seq]")
        expect(found).to_have_count(len(wanted))
        expect(panel.locator(".message:not([data-seq], .typing)")).to_have_count(0)
        _same(found.evaluate_all(SHOWN, ".text"), wanted)

    def agent_agrees(self, agent: Agent, visitor: Visitor) -> None:
        wanted = self.transcript(visitor)
        found = agent.page.locator("#inbox-messages .inbox-message[data-seq]")
        expect(found).to_have_count(len(wanted))
        expect(agent.page.locator("#inbox-messages [data-pending]")).to_have_count(0)
        _same(found.evaluate_all(SHOWN, ".inbox-bubble"), wanted)

    def owner(self, visitor: Visitor) -> str:
        """Return the name of who answers a visitor."""
        query = "SELECT owner_name FROM conversations_conversation WHERE id = %s"
        return str(self.database.one(query, visitor.conversation))


def _same(found: list[list[Any]], wanted: list[tuple[int, str, str]]) -> None:
    """Compare number and author of all, and the words of people: the AI's are laid out."""
    assert [one[:2] for one in found] == [[seq, author] for seq, author, _ in wanted]
    people = [text.strip() for _, author, text in found if author != "ai"]
    assert people == [text for _, author, text in wanted if author != "ai"]


def everybody(browser: Browser, tenant: dict[str, Any]) -> Cast:
    """Bring everybody to their page: two agents and three visitors, none sharing a context."""
    alerts: list[str] = []
    pages = [_page(browser, alerts) for _ in range(5)]
    ada, ben = (Agent(page.context, page, tenant["base_url"]) for page in pages[:2])
    sign_in(ada.page, tenant, "agent")
    sign_in(ben.page, tenant, "staff")
    vera, wim, xena = (Visitor(page.context, page, visit(page, tenant)) for page in pages[2:])
    return Cast(tenant, Database(tenant["slug"]), ada, ben, vera, wim, xena, alerts)


def _page(browser: Browser, alerts: list[str]) -> Page:
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()

    def dismiss(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    return page
