"""Search: the whole history, each conversation once, and the same whichever way is taken."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from conversations import searching
from conversations.excerpts import excerpt_of, parts_of, words_pattern
from conversations.models import Conversation, Customer, Message
from conversations.searching import Cursor, conversations_search
from conversations.services import conversation_triage
from conversations.types import ConversationState
from core import tenancy
from core.tenancy import TenantContext
from tests.factories.conversations import answer, conversation_make, say

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v1/conversations/search"
WORDS = ("refund", "parcel", "lamp", "warranty")


def talk(*texts: str, name: str = "", email: str = "") -> Conversation:
    """Return a conversation in which a visitor of that name said these."""
    customer = Customer.objects.create(name=name, email=email)
    made = Conversation.objects.create(customer=customer)
    for text in texts:
        say(made.pk, text)
    return made


def found(query: str, **narrowed: Any) -> list[UUID]:
    page = conversations_search(query=query, **narrowed)
    return [result.conversation.pk for result in page.results]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("order", True),
        ("ORD-1001", True),
        ("ord 1001", True),
        ("1001", True),
        ("#1001", True),
        ("ord_1001", True),
        ("orders", False),
        ("100", True),  # begins with it
        ("10", False),  # too short to be a beginning
        ("my", True),
        ("m", False),
        ("ärger", True),
        ("ÄRG", True),
        ("müller@example.com", True),
        ('"my order"', True),
        ('"order my"', False),
        ("order my", True),
        ("order lamp", False),
        ("東京", True),
    ],
)
def test_words_are_found_as_people_type_them(
    in_acme: TenantContext, query: str, is_found: bool
) -> None:
    made = talk("Where is my order ORD-1001? Ärger! müller@example.com 東京")
    talk("Something else")
    assert found(query) == ([made.pk] if is_found else [])


@pytest.mark.parametrize(
    "query",
    ["", "  ", "?!", "\x00", "'", "\\", "a' | b", "'); DROP TABLE x; --", ":*", "&&", "!(", "%s"],
)
def test_hostile_queries_find_nothing_and_break_nothing(in_acme: TenantContext, query: str) -> None:
    talk("Where is my order?")
    assert found(query) == []


def test_long_queries_are_cut(in_acme: TenantContext) -> None:
    made = talk("one two")
    assert found("one " * 500) == [made.pk]


def test_customers_are_found_by_name_address_and_your_id(in_acme: TenantContext) -> None:
    made = talk("Hello", "Bye", name="Ada Lovelace", email="ada@analytical.example")
    Customer.objects.filter(pk=made.customer_id).update(external_id="crm-77")
    talk("Hello", name="Grace")
    for query in ("lovelace", "ada@analytical.example", "analyt", "crm-77"):
        page = conversations_search(query=query)
        assert [result.conversation.pk for result in page.results] == [made.pk]
        assert page.results[0].message.text == "Bye"


def test_conversation_is_found_once_at_its_latest_match(in_acme: TenantContext) -> None:
    made = talk("A refund please", "Hello?", "refund!!", "Thanks", name="Refund Fan")
    other = talk("refund", "refund")
    page = conversations_search(query="refund")
    assert [result.conversation.pk for result in page.results] == [other.pk, made.pk]
    Customer.objects.update(name="")
    latest = conversations_search(query="refund").results[1]
    assert latest.message.text == "refund!!"


def test_answers_of_ai_and_team_are_searched(in_acme: TenantContext) -> None:
    made = talk("How long?")
    answer(made.pk, "Thirty days.")
    assert found("thirty") == [made.pk]


def test_state_and_label_narrow(in_acme: TenantContext) -> None:
    first, second = talk("lamp"), talk("lamp")
    conversation_triage(conversation_id=first.pk, changes={"labels": ["vip"]})
    assert found("lamp", label="vip") == [first.pk]
    assert found("lamp", states=[ConversationState.AI]) == [second.pk, first.pk]
    assert found("lamp", states=[ConversationState.RESOLVED]) == []


def expected(query: str) -> list[UUID]:
    """Return what has to be found, worked out from all messages one by one."""
    words = query.split()
    rows = Message.objects.order_by("pk").values_list("pk", "conversation_id", "text")
    latest = {talk: pk for pk, talk, text in rows if all(word in text for word in words)}
    return sorted(latest, key=lambda talk: latest[talk], reverse=True)


def paged(query: str, limit: int, between: Callable[[], object]) -> list[UUID]:
    """Return all pages' conversations; something happens between them."""
    seen: list[UUID] = []
    cursor: Cursor | None = None
    while True:
        page = conversations_search(query=query, limit=limit, cursor=cursor)
        seen += [result.conversation.pk for result in page.results]
        if page.next is None:
            return seen
        cursor = Cursor.read(str(page.next))
        between()


@pytest.mark.parametrize("windows", [(1,), (2, 7), (1_000, 20_000)])
def test_pages_are_whole_whichever_way_is_taken_and_whatever_is_said_meanwhile(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch, windows: tuple[int, ...]
) -> None:
    monkeypatch.setattr(searching, "WINDOWS", windows)
    chance = random.Random(windows[-1])
    talks = [conversation_make() for _ in range(12)]
    for _ in range(40):
        say(chance.choice(talks).pk, " ".join(chance.sample(WORDS, 2)))
    for query in ("refund", "refund parcel", "lamp warranty", "nothing"):
        wanted = expected(query)
        seen = paged(query, 3, lambda: say(chance.choice(talks).pk, " ".join(WORDS)))
        assert seen == wanted


def test_other_workspaces_are_never_found(
    in_acme: TenantContext, globex: TenantContext, api_key: Any
) -> None:
    with tenancy.tenant_scope(globex):
        talk("secret lamp", name="Secret Lamp")
    assert found("lamp") == []
    assert search(api_key("acme", "conversations:read"), search="lamp").json()["results"] == []


def search(key: str, slug: str = "acme", **query: str) -> Any:
    client = Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {key}"})
    return client.get(BASE, query)


def test_rest_gives_the_excerpt_and_pages(in_acme: TenantContext, api_key: Any) -> None:
    made = [talk(f"{'x ' * 90}My LAMP number {n} is broken {'y ' * 90}") for n in range(3)]
    key = api_key("acme", "conversations:read")
    first = search(key, search="lamp", page_size="2").json()
    assert [row["conversation"]["id"] for row in first["results"]] == [
        str(made[2].pk),
        str(made[1].pk),
    ]
    row = first["results"][0]
    (start, end), excerpt = row["marks"][0], row["excerpt"]
    assert excerpt[start:end] == "LAMP"
    assert excerpt.startswith("… ")
    assert len(excerpt) < 210
    assert row["message"]["seq"] == 1
    path, _, query = first["next"].partition("?")
    rest = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {key}"}).get(
        f"{BASE}?{query}"
    )
    assert path.endswith(BASE)
    assert [found["conversation"]["id"] for found in rest.json()["results"]] == [str(made[0].pk)]
    assert rest.json()["next"] is None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "validation_failed"),
        ({"search": " "}, 400, "validation_failed"),
        ({"search": "x" * 201}, 400, "validation_failed"),
        ({"search": "x", "state": "lost"}, 400, "validation_failed"),
        ({"search": "x", "cursor": "abc"}, 404, "cursor_invalid"),
        ({"search": "x", "cursor": "ü"}, 404, "cursor_invalid"),
        ({"search": "x", "cursor": "A" * 44}, 404, "cursor_invalid"),
    ],
)
def test_rest_refuses_what_it_cannot_search_for(
    in_acme: TenantContext, api_key: Any, query: dict[str, str], status: int, code: str
) -> None:
    refused = search(api_key("acme", "conversations:read"), **query)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_search_needs_the_scope(in_acme: TenantContext, api_key: Any) -> None:
    assert search(api_key("acme", "knowledge:read"), search="x").status_code == 403


def test_inbox_shows_what_was_found_where(
    in_acme: TenantContext, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [talk(f"My <b>lamp</b> number {n}") for n in range(3)]
    monkeypatch.setattr("conversations.views.inbox.FOUND", 2)
    client = sign_in("acme", "viewer")
    page = client.get("/inbox/", {"q": "lamp", "view": "mine"}).content.decode()
    assert "My &lt;b&gt;<mark>lamp</mark>&lt;/b&gt; number 2" in page
    assert str(made[0].pk) not in page
    more = page.partition('class="inbox-more"')[2].partition('href="')[2].partition('"')[0]
    assert str(made[0].pk) in client.get(more.replace("&amp;", "&")).content.decode()
    assert "Nothing found" in client.get("/inbox/", {"q": "zebra"}).content.decode()


def test_excerpt_is_cut_between_words_and_marked() -> None:
    pattern = words_pattern({"lamp"})
    assert excerpt_of("The lamps\nand Lamp", pattern) == ("The lamps and Lamp", ((4, 9), (14, 18)))
    assert excerpt_of("Nothing here", pattern) == ("Nothing here", ())
    assert parts_of("a lamp", ((2, 6),)) == [("a ", False), ("lamp", True)]
