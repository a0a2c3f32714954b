"""Two agents and three visitors, each in a browser of their own, through a whole day's story.

What the browsers show is compared with what the database has. The steps need each other.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, expect

from tests.conversations.files import PDF
from tests.e2e.axe import SIZES, faults
from tests.e2e.cast import WIDE, Agent, Cast, Visitor, everybody

pytestmark = pytest.mark.usefixtures("step")
QUESTION = "How long do I have to return a lamp?"
HOSTILE_NAME = "<img src=x onerror=alert(1)>\u202egnp.exe"
HOSTILE_TEXT = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> [here](javascript:alert(1)) "
    "\u202eesrever\u202c \u2066isolated \u200b**bold**"
)
NEXT = "You are next."
# An override must end with the element that holds it, or it would turn what stands beside it.
KEEPS_ITS_DIRECTION = """
(node) => getComputedStyle(node).display !== "inline"
  || getComputedStyle(node).unicodeBidi.startsWith("isolate")
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
# A picture that is drawn, so that it can be told from a broken one.
DRAWING = """
() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
  canvas.getContext("2d").fillRect(40, 40, 160, 90);
  return canvas.toDataURL("image/png").split(",")[1];
}
"""
AI_COUNT = """
SELECT count(*) FROM conversations_message WHERE conversation_id = %s AND author = 'ai'
"""


@pytest.fixture(scope="module")
def cast(browser: Browser, stack: dict[str, Any]) -> Iterator[Cast]:
    cast = everybody(browser, stack["tenants"]["globex"])
    yield cast
    cast.database.close()
    for one in (cast.ada, cast.ben, cast.vera, cast.wim, cast.xena):
        one.context.close()


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
    cast.ada.has_it()
    name = cast.owner(cast.vera)
    late.locator("#inbox-head [data-action=claim] button").click()
    expect(late.locator("[data-toasts]")).to_contain_text(name)
    expect(late.locator("[data-toasts]")).to_contain_text("already has this conversation")
    late.close()
    expect(cast.vera.banner("assigned")).to_contain_text(name)
    assert cast.owner(cast.vera) == name


def test_who_waits_moves_up(cast: Cast) -> None:
    place = cast.database.one(PLACE, cast.wim.conversation)
    said = NEXT if place == 1 else f"number {place} in the queue"
    expect(cast.wim.banner("queued")).to_contain_text(said)


def test_they_talk_and_each_sees_the_other_type_and_read(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    _typed_until_seen(vera, ada.page.locator("#inbox-typing"))
    expect(vera.say("How long is delivery?")).to_be_visible()
    expect(ada.page.locator("#inbox-messages")).to_contain_text("How long is delivery?")
    _typed_until_seen(ada, vera.panel.locator(".message.typing"))
    ada.says("A week, she says.")
    expect(vera.said("A week, she says.")).to_be_visible()
    cast.agrees(vera)
    cast.agent_agrees(ada, vera)
    seq = len(cast.transcript(vera)) + len(cast.database.one(KINDS, vera.conversation))
    for reader in ("visitor", "agent"):
        read = f"SELECT {reader}_read_seq FROM conversations_conversation WHERE id = %s"  # noqa: S608 - one of two words
        cast.database.until(seq, read, vera.conversation)


def _typed_until_seen(typist: Visitor | Agent, told: Locator) -> None:
    """Type until it is seen: a typing frame is a hint, and hints may be dropped."""
    for _ in range(40):
        typist.type("hm ")
        if told.is_visible():
            return
    raise AssertionError("Nobody saw that somebody was typing.")


def test_note_with_a_mention_reaches_the_other_agent_and_no_visitor(cast: Cast) -> None:
    note = f"@{cast.tenant['staff']['email']} what do we do about {cast.word}?"
    cast.ada.page.get_by_label("Note for the team").fill(note)
    cast.ada.page.get_by_role("button", name="Add note").click()
    expect(cast.ada.page.locator("#inbox-notes")).to_contain_text(note)
    cast.ben.page.goto(f"{cast.ben.base_url}/inbox/?view=mentions")
    cast.ben.row(cast.vera.conversation).click()
    expect(cast.ben.page.locator("#inbox-notes [data-mine]")).to_contain_text(note)
    expect(cast.vera.panel.locator("body")).not_to_contain_text("what do we do about")


def test_label_and_priority_are_seen_by_the_other_and_lists_follow(cast: Cast) -> None:
    page, row = cast.ada.page, cast.ben.row(cast.vera.conversation)
    cast.ben.views("all", label=cast.word)
    expect(row).to_have_count(0)
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Labels").fill(f"refund, {cast.word}")
    cast.ada.saves("triage")
    expect(row).to_contain_text("Urgent")
    kept = "SELECT labels FROM conversations_conversation WHERE id = %s"
    assert set(cast.database.one(kept, cast.vera.conversation)) == {"refund", cast.word}
    page.get_by_label("Labels").fill("refund")
    cast.ada.saves("triage")
    expect(row).to_have_count(0)


def test_snoozed_conversation_leaves_the_lists_until_its_visitor_writes(cast: Cast) -> None:
    page, vera = cast.ada.page, cast.vera
    rows = [agent.row(vera.conversation) for agent in (cast.ada, cast.ben)]
    cast.ben.views("all")
    cast.ada.opens(vera.conversation, "mine")
    page.get_by_label("Snooze").select_option("1h")
    cast.ada.saves("triage")
    for row in rows:
        expect(row).to_have_count(0)
    expect(vera.say("I am back")).to_be_visible()
    for row in rows:
        expect(row).to_be_visible()
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


def _attached(scope: Any, name: str, kind: str, content: bytes) -> None:
    file: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
    scope.locator("input[type=file]").set_input_files(file)
    expect(scope.locator(".upload[data-state=ready]")).to_have_count(1)


def test_picture_goes_one_way_and_a_document_the_other(cast: Cast) -> None:
    vera, page = cast.vera, cast.ada.page
    drawing = base64.b64decode(vera.page.evaluate(DRAWING))
    _attached(vera.panel.locator("body"), "scratch.png", "image/png", drawing)
    expect(vera.say("This scratch, look")).to_be_visible()
    picture = page.locator(".inbox-message[data-author=visitor] .inbox-picture img")
    expect(picture).to_have_js_property("naturalWidth", 320)
    _attached(page.locator("#inbox-composer"), "returns.pdf", "application/pdf", PDF)
    cast.ada.says("Print this, please")
    chip = vera.panel.get_by_role("button", name="Download returns.pdf")
    with vera.page.expect_download() as download:
        chip.click()
    assert Path(download.value.path()).read_bytes() == PDF
    cast.agrees(vera)
    cast.agent_agrees(cast.ada, vera)


def test_two_agents_in_one_conversation_are_told_of_each_other(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    ben.opens(cast.vera.conversation)
    for agent in (ada, ben):
        expect(agent.page.locator("#inbox-viewers")).to_contain_text("is also looking at")
    told = f"{cast.owner(cast.vera)} is writing a reply"
    _typed_until_seen(ada, ben.page.locator("#inbox-viewers", has_text=told))
    expect(ben.page.locator("#inbox-locked")).to_contain_text("has this conversation")
    ada.page.get_by_label("Reply", exact=True).fill("")


def test_given_by_hand_to_the_other_who_puts_it_back_into_the_queue(cast: Cast) -> None:
    vera, ada, ben = cast.vera, cast.ada, cast.ben
    ada.opens(vera.conversation, "mine")
    known = "SELECT id::text FROM public.tenants_person WHERE email = %s"
    person = cast.database.one(known, cast.tenant["staff"]["email"])
    ada.page.get_by_label("Who answers").select_option(value=person)
    ada.saves("assign")
    ben.has_it()
    expect(ada.row(vera.conversation)).to_have_count(0)
    expect(vera.banner("assigned")).to_contain_text(cast.owner(vera))
    ben.does("requeue")
    ben.state("queued")
    expect(vera.banner("queued")).to_contain_text(NEXT)  # urgent: before the one who waited first
    place = cast.database.one(PLACE, cast.wim.conversation)
    expect(cast.wim.banner("queued")).to_contain_text(f"number {place} in the queue")
    ada.views("queue")
    ada.row(vera.conversation).click()
    ada.does("claim")
    ada.has_it()
    expect(ben.page.locator("#inbox-state")).to_have_attribute("data-state", "assigned")
    expect(vera.banner("assigned")).to_contain_text(cast.owner(vera))


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


def test_resolved_by_a_person_rated_and_reopened_by_the_visitor(cast: Cast) -> None:
    vera, ada = cast.vera, cast.ada
    ada.does("claim")
    expect(vera.banner("assigned")).to_be_visible()
    ada.does("resolve")
    expect(vera.banner("resolved")).to_be_visible()
    ada.state("resolved")
    cast.database.until("resolved", STATE, vera.conversation)
    vera.panel.locator("label[for=score-4]").click()
    vera.panel.get_by_label("Would you like to add something?").fill(f"Kind {cast.word}")
    vera.panel.get_by_role("button", name="Send rating").click()
    expect(vera.panel.locator("#card")).to_contain_text("Thank you for your rating.")
    about = ada.page.locator("#inbox-about")
    expect(about).to_contain_text("4 of 5")
    expect(about).to_contain_text(f"Kind {cast.word}")
    expect(vera.say("One more thing: thank you")).to_be_visible()
    expect(vera.banner("resolved")).to_have_count(0)
    ada.state("ai")
    kinds = ["queued", "joined", "joined", "queued", "joined", "handed_back"]
    kinds += ["joined", "resolved", "reopened"]
    assert cast.database.one(KINDS, vera.conversation) == kinds


def test_an_agent_answers_on_a_phone_and_the_visitor_reads_in_the_dark(cast: Cast) -> None:
    ben, wim = cast.ben, cast.wim
    ben.page.set_viewport_size(SIZES["phone"])
    wim.page.emulate_media(color_scheme="dark")
    assert wim.faults() == []
    ben.views("queue")
    ben.row(wim.conversation).click()
    expect(ben.row(wim.conversation)).to_be_hidden()
    ben.does("claim")
    ben.has_it()
    ben.says("I am on my way")
    expect(wim.said("I am on my way")).to_be_visible()
    expect(wim.banner("assigned")).to_be_visible()
    assert faults(ben.page) == []
    assert wim.faults() == []
    cast.agrees(wim)
    cast.agent_agrees(ben, wim)
    ben.does("hand_back")
    ben.state("ai")
    ben.page.set_viewport_size(WIDE)
    ben.views("all")


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
