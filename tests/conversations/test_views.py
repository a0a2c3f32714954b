"""The inbox: who sees what, what each action does, and what another workspace's ids give."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from conversations import selectors, services
from conversations.models import Conversation, Customer
from conversations.types import Citation
from conversations.views.markup import message_html
from core import tenancy
from core.tenancy import TenantContext

JSON = {"accept": "application/problem+json"}
HTML = {"accept": "text/html"}
ACTIONS = ("reply", "claim", "hand_back", "resolve")
SignIn = Callable[..., Client]


def conversation_make(name: str = "Robin", *texts: str) -> Conversation:
    """Return a conversation in which the visitor has said these things, in the current tenant."""
    customer = Customer.objects.create(name=name)
    conversation = Conversation.objects.create(customer=customer)
    for number, text in enumerate(texts or ("Where is my order?",)):
        services.message_receive(conversation_id=conversation.pk, client_id=f"c{number}", text=text)
    return selectors.conversation_get(conversation_id=conversation.pk)


@pytest.fixture
def waiting(acme: TenantContext) -> Conversation:
    """Return a conversation that waits for a person."""
    with tenancy.tenant_scope(acme):
        conversation = conversation_make()
        services.handover_request(
            conversation_id=conversation.pk, fence=None, reason="visitor_request"
        )
        return selectors.conversation_get(conversation_id=conversation.pk)


@pytest.fixture
def foreign(globex: TenantContext) -> Conversation:
    """Return a conversation of the other workspace."""
    with tenancy.tenant_scope(globex):
        return conversation_make("Somebody of Globex", "A secret of Globex")


def url(name: str, conversation: Conversation | UUID | None = None) -> str:
    identifier = getattr(conversation, "pk", conversation)
    return reverse(f"conversations:{name}", args=[identifier] if identifier else [])


def post(client: Client, name: str, conversation: Conversation, **data: str) -> Any:
    return client.post(url(name, conversation), data, headers=JSON)


def state_of(tenant: TenantContext, conversation: Conversation) -> str:
    with tenancy.tenant_scope(tenant):
        return selectors.conversation_get(conversation_id=conversation.pk).state


# --- who may


@pytest.mark.parametrize("name", ["inbox", "list"])
def test_inbox_sends_strangers_to_sign_in(sign_in: SignIn, name: str) -> None:
    response = sign_in("acme", None).get(url(name))
    assert response.status_code == 302
    assert "/login/" in response["Location"]


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
def test_every_role_reads_the_inbox(sign_in: SignIn, waiting: Conversation, role: str) -> None:
    client = sign_in("acme", role)
    assert client.get(url("inbox")).status_code == 200
    assert client.get(url("conversation", waiting)).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_viewer_may_not_act(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation, action: str
) -> None:
    client = sign_in("acme", "viewer")
    response = post(client, action, waiting, text="hello", client_id="x1")
    assert response.status_code == 403
    assert state_of(acme, waiting) == "queued"
    page = client.get(url("conversation", waiting)).content.decode()
    assert "data-action" not in page
    assert "Your role lets you read" in page


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_need_a_post(sign_in: SignIn, waiting: Conversation, action: str) -> None:
    assert sign_in("acme", "agent").get(url(action, waiting)).status_code == 405


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_need_the_csrf_token(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation, action: str
) -> None:
    client = sign_in("acme", "agent")
    client.handler.enforce_csrf_checks = True
    assert post(client, action, waiting).status_code == 403
    assert state_of(acme, waiting) == "queued"


# --- another workspace's ids


@pytest.mark.parametrize("name", ["conversation", "updates"])
def test_other_workspaces_conversation_is_not_found(
    sign_in: SignIn, waiting: Conversation, foreign: Conversation, name: str
) -> None:
    assert sign_in("acme", "owner").get(url(name, foreign)).status_code == 404
    assert sign_in("acme", "owner").get(url(name, uuid4())).status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_other_workspaces_conversation_cannot_be_acted_on(
    sign_in: SignIn, globex: TenantContext, foreign: Conversation, action: str
) -> None:
    response = post(sign_in("acme", "owner"), action, foreign, text="hello", client_id="x1")
    assert response.status_code == 404
    assert response.json()["code"] == "conversation_not_found"
    assert state_of(globex, foreign) == "ai"


@pytest.mark.parametrize("view", ["queue", "mine", "all", "resolved", "nonsense"])
def test_list_never_shows_another_workspaces_conversations(
    sign_in: SignIn, waiting: Conversation, foreign: Conversation, view: str
) -> None:
    page = sign_in("acme", "owner").get(url("list"), {"view": view, "q": ""}).content.decode()
    assert "Globex" not in page
    found = sign_in("acme", "owner").get(url("list"), {"q": "secret"}).content.decode()
    assert "Globex" not in found


# --- lists


def test_queue_lists_who_waits_the_longest_first(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    with tenancy.tenant_scope(acme):
        later = conversation_make("Second in line")
        services.handover_request(conversation_id=later.pk, fence=None, reason="visitor_request")
        conversation_make("With the AI")
    page = sign_in("acme", "agent").get(url("list"), {"view": "queue"}).content.decode()
    assert page.index("Robin") < page.index("Second in line")
    assert "With the AI" not in page
    assert (
        "With the AI" in sign_in("acme", "agent").get(url("list"), {"view": "all"}).content.decode()
    )


def test_mine_lists_what_i_claimed_and_not_what_others_did(
    sign_in: SignIn, waiting: Conversation
) -> None:
    post(sign_in("acme", "agent"), "claim", waiting)
    mine = sign_in("acme", "agent").get(url("list"), {"view": "mine"}).content.decode()
    theirs = sign_in("acme", "admin").get(url("list"), {"view": "mine"}).content.decode()
    assert "Robin" in mine
    assert "Robin" not in theirs


def test_search_finds_by_name_and_by_what_was_said(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    with tenancy.tenant_scope(acme):
        conversation_make("Alex", "My zip is broken")
    client = sign_in("acme", "agent")
    assert "Alex" in client.get(url("list"), {"q": "ZIP is"}).content.decode()
    assert "Robin" in client.get(url("list"), {"q": "robin"}).content.decode()
    assert "Robin" not in client.get(url("list"), {"q": "zip"}).content.decode()


@pytest.mark.parametrize("view", ["queue", "mine", "all", "resolved"])
def test_empty_list_says_why(sign_in: SignIn, view: str) -> None:
    page = sign_in("acme", "agent").get(url("list"), {"view": view}).content.decode()
    assert "empty-state" in page


@pytest.mark.parametrize("rows", [1, 3])
def test_list_costs_the_same_queries_for_any_number_of_rows(
    sign_in: SignIn, acme: TenantContext, django_assert_max_num_queries: Any, rows: int
) -> None:
    with tenancy.tenant_scope(acme):
        for number in range(rows):
            conversation_make(f"Visitor {number}")
    client = sign_in("acme", "agent")
    client.get(url("list"), {"view": "all"})
    with django_assert_max_num_queries(8):
        client.get(url("list"), {"view": "all"})


# --- one conversation


def test_conversation_shows_messages_sources_and_why(sign_in: SignIn, acme: TenantContext) -> None:
    run_id = uuid4()
    citation = Citation(1, "d", "c", "Returns policy", "/knowledge/source/c/", "30 days", 0, 7)
    with tenancy.tenant_scope(acme):
        conversation = conversation_make("Robin", "How <b>long</b>?")
        services.reply_append(
            conversation_id=conversation.pk,
            fence=conversation.fence,
            answered_seq=conversation.last_visitor_seq,
            run_id=run_id,
            text="**30 days** [1] <script>x</script>",
            citations=[citation],
        )
    page = sign_in("acme", "agent").get(url("conversation", conversation)).content.decode()
    assert "How &lt;b&gt;long&lt;/b&gt;?" in page
    assert "<strong>30 days</strong>" in page
    assert "&lt;script&gt;" in page
    assert 'href="/knowledge/source/c/"' in page
    assert "Returns policy" in page


def test_inbox_has_no_inline_code_or_style(sign_in: SignIn, waiting: Conversation) -> None:
    response = sign_in("acme", "agent").get(url("conversation", waiting))
    page = response.content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick" not in page
    assert "unsafe" not in response["Content-Security-Policy"]


def test_updates_give_only_what_is_newer(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    with tenancy.tenant_scope(acme):
        services.message_receive(conversation_id=waiting.pk, client_id="n1", text="Still there?")
    client = sign_in("acme", "agent")
    fresh = client.get(url("updates", waiting), {"after": waiting.seq}).content.decode()
    assert "Still there?" in fresh
    assert "Where is my order?" not in fresh
    everything = client.get(url("updates", waiting), {"after": "junk"}).content.decode()
    assert "Where is my order?" in everything


# --- actions


def test_agent_claims_replies_and_resolves(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    client = sign_in("acme", "agent")
    assert 'data-state="assigned"' in post(client, "claim", waiting).content.decode()
    replied = post(client, "reply", waiting, text="Hello **there**", client_id="a1")
    assert "Hello **there**" in replied.content.decode()
    assert post(client, "resolve", waiting).status_code == 200
    assert state_of(acme, waiting) == "resolved"


def test_reply_sent_twice_is_stored_once(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    client = sign_in("acme", "agent")
    post(client, "claim", waiting)
    for _ in range(2):
        assert post(client, "reply", waiting, text="Hello", client_id="a1").status_code == 200
    with tenancy.tenant_scope(acme):
        said = selectors.message_list(conversation_id=waiting.pk)
        assert [message.text for message in said].count("Hello") == 1


def test_agent_hands_back_to_the_ai(
    sign_in: SignIn, acme: TenantContext, waiting: Conversation
) -> None:
    client = sign_in("acme", "agent")
    post(client, "claim", waiting)
    assert post(client, "hand_back", waiting).status_code == 200
    assert state_of(acme, waiting) == "ai"


def test_second_claim_is_told_who_has_it(sign_in: SignIn, waiting: Conversation) -> None:
    post(sign_in("acme", "agent"), "claim", waiting)
    late = post(sign_in("acme", "admin"), "claim", waiting)
    assert late.status_code == 409
    assert late.json()["code"] == "already_claimed"
    assert late.json()["agent"] in late.json()["detail"]


@pytest.mark.parametrize("action", ["reply", "hand_back", "resolve"])
def test_conversation_of_a_colleague_is_theirs(
    sign_in: SignIn, waiting: Conversation, action: str
) -> None:
    post(sign_in("acme", "agent"), "claim", waiting)
    response = post(sign_in("acme", "admin"), action, waiting, text="me too", client_id="b1")
    assert response.status_code == 409
    assert response.json()["code"] == "not_assigned_to_you"


@pytest.mark.parametrize(
    "data",
    [
        {"text": "", "client_id": "a1"},
        {"text": "x" * 8001, "client_id": "a1"},
        {"text": "x", "client_id": "no spaces"},
        {"text": "x"},
    ],
)
def test_reply_that_breaks_the_contract_is_refused_in_words(
    sign_in: SignIn, waiting: Conversation, data: dict[str, str]
) -> None:
    client = sign_in("acme", "agent")
    post(client, "claim", waiting)
    response = post(client, "reply", waiting, **data)
    assert response.status_code == 400
    assert response.json()["detail"]


def test_plain_form_without_script_goes_back_to_the_conversation(
    sign_in: SignIn, waiting: Conversation
) -> None:
    response = sign_in("acme", "agent").post(url("claim", waiting), headers=HTML)
    assert response.status_code == 302
    assert response["Location"] == url("conversation", waiting)


# --- text to HTML


class MarkupSeen(HTMLParser):
    """What a browser would make of some markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


@pytest.mark.parametrize("author", ["ai", "visitor", "agent"])
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "**<svg onload=alert(1)>**",
        'http://a.example/"onmouseover=alert(1)',
    ],
)
def test_hostile_text_stays_text(author: str, text: str) -> None:
    made = MarkupSeen(message_html(author=author, text=text, citations=[]))
    assert made.tags <= {"p", "br", "strong", "em", "code", "ul", "ol", "li", "a"}
    assert made.attributes <= {"href", "target", "rel"}
    assert all(link.startswith(("http://", "https://")) for link in made.links)


def test_unknown_citation_stays_text_and_links_open_apart() -> None:
    html = message_html(author="ai", text="See [2] and https://a.example", citations=[])
    assert "[2]" in html
    visitor = message_html(author="visitor", text="https://a.example", citations=[])
    assert 'target="_blank"' in visitor
    assert "noopener" in visitor


def test_sentences_of_one_source_open_their_own_passages() -> None:
    citations = [
        {"number": 1, "url": "/knowledge/source/a/?start=1", "quote": "first"},
        {"number": 1, "url": "/knowledge/source/a/?start=9", "quote": "second"},
    ]
    made = MarkupSeen(message_html(author="ai", text="One [1]. Two [1].", citations=citations))
    assert made.links == ["/knowledge/source/a/?start=1", "/knowledge/source/a/?start=9"]
