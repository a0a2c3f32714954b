"""The panel's modules by themselves: what is promised about order, repetition and safety."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

HOSTILE = [
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=1</script>",
    "[x](javascript:window.hit=1)",
    "[x](data:text/html,<script>window.hit=1</script>)",
    '[x](https://a.example"onmouseover=window.hit=1)',
    "**<svg onload=window.hit=1>**",
    "- <iframe srcdoc='<script>parent.hit=1</script>'>",
    "`<b onclick=window.hit=1>`",
    'https://a.example/"><script>window.hit=1</script>',
]


@pytest.fixture
def modules(page: Page, checkout: str) -> Page:
    page.goto(f"{checkout}/tests/e2e/blank.html")
    return page


def run(page: Page, body: str, argument: Any = None) -> Any:
    return page.evaluate(f"async (argument) => {{ {body} }}", argument)


def test_markdown_makes_no_element_that_a_message_asks_for(modules: Page) -> None:
    made = run(
        modules,
        """
        const { renderMarkdown } = await import("/static/widget/shared/markdown.js");
        for (const text of argument) document.body.append(renderMarkdown(text));
        await new Promise((resolve) => setTimeout(resolve, 100));
        const nodes = [...document.body.querySelectorAll("*")];
        const tags = nodes.map((node) => node.localName);
        const links = [...document.links].map((link) => link.protocol);
        const names = nodes.flatMap((node) => node.getAttributeNames());
        const handlers = names.filter((name) => name.startsWith("on"));
        return { hit: window.hit ?? null, tags, links, handlers };
        """,
        HOSTILE,
    )
    assert made["hit"] is None
    assert made["handlers"] == []
    assert set(made["links"]) <= {"http:", "https:"}
    assert not {"script", "img", "svg", "iframe", "b"} & set(made["tags"])


def test_markdown_renders_lists_bold_links_and_known_citations(modules: Page) -> None:
    html = run(
        modules,
        """
        const { renderMarkdown } = await import("/static/widget/shared/markdown.js");
        const chip = Object.assign(document.createElement("a"), { textContent: "one" });
        const cite = (number) => (number === 1 ? chip : null);
        const box = document.createElement("div");
        box.append(renderMarkdown(argument, cite));
        return box.innerHTML;
        """,
        "**30 days** [1], not [2].\n\n- clean\n- see https://a.example/x.\n\n3. third",
    )
    assert "<strong>30 days</strong><a>one</a>, not [2]." in html
    assert "<ul><li>clean</li>" in html
    assert 'href="https://a.example/x"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert '<ol start="3"><li>third</li></ol>' in html


def test_transcript_shows_each_message_once_and_never_passes_a_hole(modules: Page) -> None:
    seen = run(
        modules,
        """
        const { Transcript } = await import("/static/widget/panel/transcript.js");
        const transcript = new Transcript();
        const message = (seq) => ({ seq, author: "ai", text: String(seq), at: "2026-01-01" });
        const taken = [1, 2, 2, 5, 1].map((seq) => transcript.receive(message(seq)));
        const before = { position: transcript.position, hole: transcript.hole };
        [4, 3].forEach((seq) => transcript.receive(message(seq)));
        return { taken, before, position: transcript.position, hole: transcript.hole,
                 order: transcript.items.map((item) => item.seq) };
        """,
    )
    assert seen["taken"] == [True, True, False, True, False]
    assert seen["before"] == {"position": 2, "hole": {"from": 3, "to": 4}}
    assert seen["position"] == 5
    assert seen["hole"] is None
    assert seen["order"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("order", ["accepted first", "broadcast first"])
def test_own_message_stays_one_bubble_whatever_comes_first(modules: Page, order: str) -> None:
    items = run(
        modules,
        """
        const { Transcript } = await import("/static/widget/panel/transcript.js");
        const transcript = new Transcript();
        transcript.add({ clientId: "c1", text: "hello", at: "2026-01-01" });
        const sent = { seq: 1, client_id: "c1", author: "visitor", text: "", at: "2026-01-01" };
        const steps = [() => transcript.accept("c1", 1), () => transcript.receive(sent)];
        if (argument === "broadcast first") steps.reverse();
        for (const step of steps) step();
        return transcript.items.map(({ key, seq, state }) => ({ key, seq, state }));
        """,
        order,
    )
    assert items == [{"key": "c1", "seq": 1, "state": "sent"}]


def test_backoff_grows_is_jittered_and_is_bounded(modules: Page) -> None:
    delays = run(
        modules,
        """
        const { delayBefore, BACKOFF } = await import("/static/widget/shared/socket.js");
        return { tops: [0, 1, 2, 3, 50].map((count) => delayBefore(count, () => 1)),
                 least: delayBefore(5, () => 0), ceiling: BACKOFF.ceiling };
        """,
    )
    assert delays["tops"][:4] == [500, 1000, 2000, 4000]
    assert delays["tops"][4] == delays["ceiling"]
    assert delays["least"] == 100


def test_frame_without_storage_has_the_embedding_page_keep_what_matters(modules: Page) -> None:
    got = run(
        modules,
        """
        const { Storage } = await import("/static/widget/panel/storage.js");
        const denied = { getItem() { throw new DOMException("denied", "SecurityError"); } };
        const handed = [];
        const storage = new Storage("k", denied);
        storage.addEventListener("kept", (event) => handed.push(event.detail));
        storage.set("draft", "typed early");
        const early = handed.length;
        storage.restore(JSON.stringify({ token: "vt", draft: "older" }));
        storage.set("seen", 3);
        return { early, token: storage.get("token"), draft: storage.get("draft"),
                 kept: JSON.parse(handed.at(-1)) };
        """,
    )
    assert got["early"] == 0
    assert got["token"] == "vt"
    assert got["draft"] == "typed early"
    assert got["kept"] == {"token": "vt", "draft": "typed early", "seen": 3}


def test_sentences_of_one_source_open_their_own_passages_and_list_it_once(modules: Page) -> None:
    got = run(
        modules,
        """
        const { MessagesView } = await import("/static/widget/panel/messages.js");
        const log = document.body.appendChild(document.createElement("div"));
        const latest = document.body.appendChild(document.createElement("button"));
        const view = new MessagesView({ log, latest, tenant: "Acme" });
        const cited = (start) => ({ number: 1, title: "Returns", url: `/source/?start=${start}` });
        const item = {
          key: "k", seq: 1, author: "ai", name: "", text: "One [1]. Two [1].",
          at: "2026-01-01T10:00:00Z", state: "sent", citations: [cited(1), cited(9)],
        };
        view.show([item], { offersPerson: true });
        const starts = (selector) => [...log.querySelectorAll(selector)].map((link) => link.search);
        return { inline: starts("a.cite"), listed: starts(".sources a") };
        """,
    )
    assert got == {"inline": ["?start=1", "?start=9"], "listed": ["?start=1"]}
