"""Two agents and three visitors, each in a browser of their own, through a whole day's story.

What the browsers show is compared with what the database has. The steps need each other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, FrameLocator, Locator, Page, expect

from tests.e2e.people import sign_in, visit
from tests.e2e.running import Database

pytestmark = pytest.mark.usefixtures("step")
QUESTION = "How long do I have to return a lamp?"
HOSTILE_NAME = "<img src=x onerror=alert(1)>\u202egnp.exe"
HOSTILE_TEXT = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> [here](javascript:alert(1)) "
    "\u202eesrever\u202c \u2066isolated \u200b**bold**"
)
NEXT = "You are next."
# Each message as a reader has it: its number, who said it, and the words.
SHOWN = """
(nodes, words) => nodes.map((node) =>
  [Number(node.dataset.seq), node.dataset.author, node.querySelector(words).textContent])
"""
# An override must end with the element that holds it, or it would turn what stands beside it.
KEEPS_ITS_DIRECTION = """
(node) => getComputedStyle(node).display !== "inline"
  || getComputedStyle(node).unicodeBidi.startsWith("isolate")
"""
SAID = """
SELECT seq, author, text FROM conversations_message
WHERE conversation_id = %s AND author <> 'system' ORDER BY seq
"""
KINDS = """
SELECT array_agg(kind::text ORDER BY seq) FROM conversations_message
WHERE conversation_id = %s AND author = 'system'
"""
STATE = "SELECT state::text FROM conversations_conversation WHERE id = %s"
PLACE = """
SELECT count(*) + 1 FROM conversations_conversation AS other, conversations_conversation AS mine
WHERE mine.id = %s AND other.state = 'queued' AND other.queue = mine.queue
  AND (other.priority > mine.priority
       OR other.priority = mine.priority AND other.queued_at < mine.queued_at)
"""
AI_COUNT = """
SELECT count(*) FROM conversations_message WHERE conversation_id = %s AND author = 'ai'
"""


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


@dataclass
class Agent:
    """Somebody of the team with the inbox open."""

    context: BrowserContext
    page: Page
    base_url: str

    def opens(self, conversation: str) -> None:
        self.page.goto(f"{self.base_url}/inbox/{conversation}/?view=all")
        expect(self.page.locator("#inbox-line")).to_have_attribute("data-state", "up")

    def row(self, conversation: str) -> Locator:
        return self.page.locator(f"a.inbox-row[data-conversation='{conversation}']")

    def does(self, action: str) -> None:
        self.page.locator(f"#inbox-head [data-action={action}] button").click()

    def says(self, text: str) -> None:
        self.page.get_by_label("Reply", exact=True).fill(text)
        self.page.get_by_label("Reply", exact=True).press("Enter")

    def state(self, state: str) -> None:
        expect(self.page.locator("#inbox-state")).to_have_attribute("data-state", state)


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


def _same(found: list[list[Any]], wanted: list[tuple[int, str, str]]) -> None:
    """Compare number and author of all, and the words of people: the AI's are laid out."""
    assert [one[:2] for one in found] == [[seq, author] for seq, author, _ in wanted]
    people = [text.strip() for _, author, text in found if author != "ai"]
    assert people == [text for _, author, text in wanted if author != "ai"]


@pytest.fixture(scope="module")
def cast(browser: Browser, stack: dict[str, Any]) -> Iterator[Cast]:
    """Bring everybody to their page: two agents and three visitors, none sharing a context."""
    tenant = stack["tenants"]["globex"]
    alerts: list[str] = []
    pages = [_page(browser, alerts) for _ in range(5)]
    agents = [Agent(page.context, page, tenant["base_url"]) for page in pages[:2]]
    for agent, who in zip(agents, ("agent", "staff"), strict=True):
        sign_in(agent.page, tenant, who)
    visitors = [Visitor(page.context, page, visit(page, tenant)) for page in pages[2:]]
    database = Database(tenant["slug"])
    ada, ben = agents
    vera, wim, xena = visitors
    yield Cast(tenant, database, ada, ben, vera, wim, xena, alerts)
    database.close()
    for page in pages:
        page.context.close()


def _page(browser: Browser, alerts: list[str]) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()

    def dismiss(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    return page


def _begun(cast: Cast, visitor: Visitor, text: str) -> None:
    """Say the first thing, and learn the conversation's id from where it was stored."""
    expect(visitor.say(text)).to_be_visible()
    found = "SELECT conversation_id::text FROM conversations_message WHERE text = %s"
    visitor.conversation = cast.database.one(found, text)


def test_visitors_ask_and_the_ai_answers_with_a_citation(cast: Cast) -> None:
    for visitor in (cast.vera, cast.wim):
        name = "first" if visitor is cast.vera else "second"
        _begun(cast, visitor, f"{QUESTION} {cast.word} {name}")
    for visitor in (cast.vera, cast.wim):
        answer = visitor.panel.locator(".message[data-author=ai][data-seq]")
        expect(answer.locator(".sources a").first).to_be_visible()
        cast.agrees(visitor)


def test_two_wait_for_a_person_and_see_their_place(cast: Cast) -> None:
    for visitor in (cast.vera, cast.wim):
        visitor.ask_for_a_person()
        place = cast.database.one(PLACE, visitor.conversation)
        said = NEXT if place == 1 else f"number {place} in the queue"
        expect(visitor.banner("queued")).to_contain_text(said)


def test_one_agent_claims_and_the_other_is_told_who_has_it(cast: Cast) -> None:
    late = cast.ben.context.new_page()
    late.route_web_socket("**/ws/inbox/", lambda _: None)  # the news is still on its way
    late.goto(f"{cast.ben.base_url}/inbox/{cast.vera.conversation}/")
    cast.ada.opens(cast.vera.conversation)
    cast.ada.does("claim")
    expect(cast.ada.page.locator("#inbox-state")).to_have_attribute("data-mine", "1")
    owner = "SELECT owner_name FROM conversations_conversation WHERE id = %s"
    name = cast.database.one(owner, cast.vera.conversation)
    late.locator("#inbox-head [data-action=claim] button").click()
    expect(late.locator("[data-toasts]")).to_contain_text(name)
    expect(late.locator("[data-toasts]")).to_contain_text("already has this conversation")
    late.close()
    expect(cast.vera.banner("assigned")).to_contain_text(name)
    assert cast.database.one(owner, cast.vera.conversation) == name


def test_who_waits_moves_up(cast: Cast) -> None:
    place = cast.database.one(PLACE, cast.wim.conversation)
    said = NEXT if place == 1 else f"number {place} in the queue"
    expect(cast.wim.banner("queued")).to_contain_text(said)


def test_they_talk_and_each_sees_the_other_type_and_read(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    _typed_until_seen(vera, ada.page.locator("#inbox-typing"))
    expect(vera.say("How long is delivery?")).to_be_visible()
    expect(ada.page.locator("#inbox-messages")).to_contain_text("How long is delivery?")
    reply = ada.page.get_by_label("Reply", exact=True)
    reply.press_sequentially("A week", delay=40)
    expect(vera.panel.locator(".message.typing")).to_be_visible()
    ada.says("A week, she says.")
    expect(vera.said("A week, she says.")).to_be_visible()
    cast.agrees(vera)
    cast.agent_agrees(ada, vera)
    seq = len(cast.transcript(vera)) + len(cast.database.one(KINDS, vera.conversation))
    for reader in ("visitor", "agent"):
        read = f"SELECT {reader}_read_seq FROM conversations_conversation WHERE id = %s"  # noqa: S608 - one of two words
        cast.database.until(seq, read, vera.conversation)


def _typed_until_seen(visitor: Visitor, indicator: Locator) -> None:
    """Type until it is seen: a typing frame is a hint, and hints may be dropped."""
    for _ in range(20):
        visitor.type("hm ")
        if indicator.is_visible():
            return
    raise AssertionError("The agent never saw that the visitor was typing.")


def test_note_with_a_mention_reaches_the_other_agent_and_no_visitor(cast: Cast) -> None:
    note = f"@{cast.tenant['staff']['email']} what do we do about {cast.word}?"
    cast.ada.page.get_by_label("Note for the team").fill(note)
    cast.ada.page.get_by_role("button", name="Add note").click()
    expect(cast.ada.page.locator("#inbox-notes")).to_contain_text(note)
    cast.ben.page.goto(f"{cast.ben.base_url}/inbox/?view=mentions")
    cast.ben.row(cast.vera.conversation).click()
    expect(cast.ben.page.locator("#inbox-notes [data-mine]")).to_contain_text(note)
    expect(cast.vera.panel.locator("body")).not_to_contain_text("what do we do about")


def test_priority_and_labels_are_set_and_the_other_sees_them(cast: Cast) -> None:
    page = cast.ada.page
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Labels").fill(f"refund, {cast.word}")
    page.locator("[data-action=triage] button").click()
    expect(page.locator("[data-toasts]")).to_contain_text("Saved")
    expect(cast.ben.row(cast.vera.conversation)).to_contain_text("Urgent")
    expect(cast.ben.row(cast.vera.conversation)).to_contain_text(cast.word)
    kept = "SELECT labels FROM conversations_conversation WHERE id = %s"
    assert set(cast.database.one(kept, cast.vera.conversation)) == {"refund", cast.word}


def test_snoozed_conversation_comes_back_when_its_visitor_writes(cast: Cast) -> None:
    page, vera = cast.ada.page, cast.vera
    page.locator("[data-view=mine]").click()
    expect(cast.ada.row(vera.conversation)).to_be_visible()
    cast.ada.row(vera.conversation).click()
    page.get_by_label("Snooze").select_option("1h")
    page.locator("[data-action=triage] button").click()
    expect(cast.ada.row(vera.conversation)).to_have_count(0)
    expect(vera.say("I am back")).to_be_visible()
    expect(cast.ada.row(vera.conversation)).to_be_visible()
    until = "SELECT snoozed_until FROM conversations_conversation WHERE id = %s"
    assert cast.database.one(until, vera.conversation) is None


def test_visitor_without_a_network_finds_everything_exactly_once(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    vera.context.set_offline(True)
    for text in ("Are you there?", "I wrote this in a tunnel"):
        vera.say(text)
    expect(vera.panel.locator(".message[data-state=sending]")).to_have_count(2)
    for text in ("Yes, I am", "Take your time"):
        ada.says(text)
        expect(ada.page.locator("[data-author=agent][data-seq]").last).to_contain_text(text)
    expect(vera.panel.locator(".message[data-state=sending]")).to_have_count(2)
    expect(vera.said("Take your time")).to_have_count(0)
    vera.context.set_offline(False)
    for text in ("Are you there?", "I wrote this in a tunnel", "Yes, I am", "Take your time"):
        expect(vera.said(text)).to_have_count(1)
    expect(vera.banner("offline")).to_have_count(0)
    expect(ada.page.locator("#inbox-messages")).to_contain_text("I wrote this in a tunnel")
    cast.agrees(vera)
    cast.agent_agrees(ada, vera)


def test_ai_has_said_nothing_since_the_claim(cast: Cast) -> None:
    """The hostile visitor's question comes after all of it, and is answered."""
    _begun(cast, cast.xena, f"{QUESTION} {cast.word} third")
    expect(cast.xena.panel.locator(".message[data-author=ai][data-seq]")).to_have_count(1)
    assert cast.database.one(AI_COUNT, cast.vera.conversation) == 1


def test_hostile_name_and_message_are_only_words(cast: Cast) -> None:
    xena, ben = cast.xena, cast.ben
    expect(xena.say(HOSTILE_TEXT)).to_be_visible()
    cast.database.rows(
        "UPDATE conversations_customer SET name = %s WHERE id = "
        "(SELECT customer_id FROM conversations_conversation WHERE id = %s) RETURNING id",
        HOSTILE_NAME,
        xena.conversation,
    )
    cast.agrees(xena)
    ben.opens(xena.conversation)
    cast.agent_agrees(ben, xena)
    for page_part in (ben.page.locator("#inbox"), xena.panel.locator("#log")):
        expect(page_part.locator("script:not([type]), img, a[href^=javascript]")).to_have_count(0)
    for named in (ben.page.locator("#inbox-head h2"), ben.row(xena.conversation).locator("b")):
        expect(named).to_contain_text(HOSTILE_NAME)
        assert named.evaluate(KEEPS_ITS_DIRECTION)
    assert cast.alerts == []


def test_two_tabs_of_one_visitor_show_the_same(cast: Cast) -> None:
    wim = cast.wim
    tab = wim.context.new_page()
    tab.goto(cast.tenant["demo_url"])
    other = tab.frame_locator("#frontdesk-widget iframe")
    if tab.get_by_role("button", name="Open chat").is_visible():
        tab.get_by_role("button", name="Open chat").click()
    expect(other.locator(".banner[data-kind=queued]")).to_be_visible()
    expect(wim.say("From the first tab")).to_be_visible()
    other.get_by_label("Your message").fill("From the second tab")
    other.get_by_label("Your message").press("Enter")
    for panel in (wim.panel, other):
        for text in ("From the first tab", "From the second tab"):
            said = panel.locator(".message[data-seq]").filter(has_text=text)
            expect(said).to_have_count(1)
    cast.agrees(wim)
    cast.agrees(wim, tab)
    tab.close()


def test_handed_back_the_ai_answers_again(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    ada.does("hand_back")
    ada.state("ai")
    expect(vera.banner("assigned")).to_have_count(0)
    cast.database.until("ai", STATE, vera.conversation)
    before = cast.database.one(AI_COUNT, vera.conversation)
    expect(vera.say(QUESTION)).to_have_count(2)
    answers = vera.panel.locator(".message[data-author=ai][data-seq]")
    expect(answers.nth(before)).to_be_visible()
    cast.agrees(vera)


def test_resolved_by_a_person_and_reopened_by_the_visitor(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    ada.does("claim")
    expect(vera.banner("assigned")).to_be_visible()
    ada.does("resolve")
    expect(vera.banner("resolved")).to_be_visible()
    ada.state("resolved")
    cast.database.until("resolved", STATE, vera.conversation)
    expect(vera.say("One more thing: thank you")).to_be_visible()
    expect(vera.banner("resolved")).to_have_count(0)
    ada.state("ai")
    kinds = ["queued", "joined", "handed_back", "joined", "resolved", "reopened"]
    assert cast.database.one(KINDS, vera.conversation) == kinds


def test_search_finds_what_was_said(cast: Cast) -> None:
    page = cast.ben.page
    page.get_by_label("Search conversations").fill("wrote this tunnel")
    page.get_by_label("Search conversations").press("Enter")
    found = cast.ben.row(cast.vera.conversation)
    expect(found.locator("mark").first).to_be_visible()
    page.get_by_label("Search conversations").fill(cast.word)
    page.get_by_label("Search conversations").press("Enter")
    expect(page.locator("a.inbox-row")).to_have_count(3)


def test_at_the_end_every_browser_shows_what_the_database_has(cast: Cast) -> None:
    for visitor in (cast.vera, cast.wim, cast.xena):
        cast.agrees(visitor)
        cast.ada.opens(visitor.conversation)
        cast.agent_agrees(cast.ada, visitor)
        cast.ada.does("claim")
        cast.ada.state("assigned")
        cast.ada.does("resolve")
        cast.ada.state("resolved")
        cast.database.until("resolved", STATE, visitor.conversation)
    assert cast.alerts == []
