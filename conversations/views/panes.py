"""What the inbox's panes show, worked out once per row so that templates only print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversations.attachments.media import IMAGES
from conversations.attachments.parts import parts_shown
from conversations.excerpts import parts_of
from conversations.models import Conversation, Message, Rating
from conversations.searching import Found
from conversations.types import Author, ConversationState, Priority
from conversations.views.choices import PRIORITY_LABELS, PRIORITY_TONES
from conversations.views.facts import FactSection, facts_of
from conversations.views.markup import message_html

HUES = 5
TONES = {
    ConversationState.AI: "violet",
    ConversationState.QUEUED: "warning",
    ConversationState.ASSIGNED: "info",
    ConversationState.RESOLVED: "",
}
STATE_LABELS: dict[ConversationState, Promise] = {
    ConversationState.AI: _("AI"),
    ConversationState.QUEUED: _("Waiting"),
    ConversationState.ASSIGNED: _("With a person"),
    ConversationState.RESOLVED: _("Resolved"),
}


@dataclass(frozen=True, slots=True)
class Face:
    """How a person is drawn where there is no picture of them."""

    name: str
    initials: str
    hue: str


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in the list."""

    id: str
    url: str
    face: Face
    at: datetime
    preview: tuple[tuple[str, bool], ...]  # pieces, each with whether it was searched for
    preview_by: str
    state_label: str
    tone: str
    assignee: str
    is_waiting: bool
    is_unread: bool
    priority_label: str
    priority_tone: str
    labels: tuple[str, ...]
    snoozed_until: datetime | None
    due_at: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message of the open conversation."""

    seq: int
    author: str
    face: Face
    at: datetime
    text: str
    body: SafeString
    citations: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    run_url: str


@dataclass(frozen=True, slots=True)
class Action:
    """A button of the open conversation."""

    key: str
    label: str
    icon: str
    variant: str
    url: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The open conversation's head, actions and facts, as one member of the team sees it."""

    id: str
    face: Face
    contact: str
    state: str
    state_label: str
    tone: str
    owner_text: str
    is_mine: bool
    locked_text: str
    actions: tuple[Action, ...]
    facts: tuple[FactSection, ...]


def face_of(name: str, seed: str) -> Face:
    """Return initials and a colour for a name; the same seed keeps the same colour."""
    words = name.split()
    letters = [words[0], words[-1]] if len(words) > 1 else words
    initials = "".join(word[0].upper() for word in letters) or "?"
    return Face(name=name, initials=initials, hue=str(sum(seed.encode()) % HUES))


def customer_face(conversation: Conversation) -> Face:
    customer = conversation.customer
    return face_of(customer.display_name, str(customer.pk))


def row_of(conversation: Conversation, *, url: str) -> Row:
    """Return a conversation as a row of the list; a list knows what is due, a search does not."""
    due_at: datetime | None = getattr(conversation, "due_at", None)
    state = ConversationState(conversation.state)
    return Row(
        id=str(conversation.pk),
        url=url,
        face=customer_face(conversation),
        at=conversation.last_message_at or conversation.created_at,
        preview=((conversation.preview or gettext("No messages yet"), False),),
        preview_by=_preview_by(conversation.preview_author),
        state_label=str(STATE_LABELS[state]),
        tone=TONES[state],
        assignee=conversation.owner_name if state == ConversationState.ASSIGNED else "",
        is_waiting=state == ConversationState.QUEUED,
        is_unread=state == ConversationState.ASSIGNED and conversation.unread > 0,
        priority_label=_priority_label(conversation),
        priority_tone=PRIORITY_TONES.get(Priority(conversation.priority), ""),
        labels=tuple(conversation.labels),
        snoozed_until=conversation.snoozed_until if conversation.is_snoozed else None,
        due_at=due_at,
        is_late=due_at is not None and due_at < timezone.now(),
    )


def _priority_label(conversation: Conversation) -> str:
    priority = Priority(conversation.priority)
    return str(PRIORITY_LABELS[priority]) if priority else ""


def found_row(found: Found, *, url: str) -> Row:
    """Return a conversation that was searched for, with what was found in it."""
    return replace(
        row_of(found.conversation, url=url),
        at=found.message.created_at,
        preview=tuple(parts_of(found.excerpt, found.marks)),
        preview_by=_preview_by(found.message.author),
    )


def _preview_by(author: str) -> str:
    names = {Author.AI.value: gettext("AI:"), Author.AGENT.value: gettext("Team:")}
    return names.get(author, "")


def line_of(message: Message, *, customer: Face) -> MessageLine:
    """Return a message as a line of the conversation."""
    return MessageLine(
        seq=message.seq,
        author=message.author,
        face=_author_face(message, customer),
        at=message.created_at,
        text=message.text,
        body=message_html(author=message.author, text=message.text, citations=message.citations),
        citations=_sources(message.citations),
        attachments=_files(message.attachments),
        run_url=_run_url(message.run_id) if message.author == Author.AI else "",
    )


def _files(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the files with their addresses; a picture is shown, everything else is named."""
    return [{**part, "is_image": part["media_type"] in IMAGES} for part in parts_shown(parts)]


def _sources(citations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each source once, however many sentences of the answer come from it."""
    first = {citation["number"]: citation for citation in reversed(citations)}
    return [first[number] for number in sorted(first)]


def _author_face(message: Message, customer: Face) -> Face:
    if message.author == Author.VISITOR:
        return customer
    if message.author == Author.AI:
        return Face(name=gettext("Assistant"), initials="AI", hue="ai")
    return face_of(message.name or gettext("Team"), str(message.person_id))


def _run_url(run_id: UUID | None) -> str:
    """Return the page that explains a reply, or nothing where workflows has no pages."""
    if run_id is None:
        return ""
    try:
        return reverse("workflows:run", args=[run_id])
    except NoReverseMatch:
        return ""


def opened_of(
    conversation: Conversation, *, person_id: UUID, may_write: bool, rating: Rating | None = None
) -> Opened:
    """Return the open conversation as this person sees it."""
    state = ConversationState(conversation.state)
    is_mine = state == ConversationState.ASSIGNED and conversation.owner_id == person_id
    return Opened(
        id=str(conversation.pk),
        face=customer_face(conversation),
        contact=conversation.customer.email or gettext("Anonymous visitor"),
        state=state.value,
        state_label=str(STATE_LABELS[state]),
        tone=TONES[state],
        owner_text=_owner_text(conversation, state, is_mine=is_mine),
        is_mine=is_mine,
        locked_text=_locked_text(conversation, state, is_mine=is_mine, may_write=may_write),
        actions=_actions(conversation, state, is_mine=is_mine) if may_write else (),
        facts=facts_of(conversation, rating),
    )


def _owner_text(conversation: Conversation, state: ConversationState, *, is_mine: bool) -> str:
    if is_mine:
        return gettext("You answer")
    texts = {
        ConversationState.AI: gettext("The AI answers"),
        ConversationState.QUEUED: gettext("Nobody has it yet"),
        ConversationState.ASSIGNED: conversation.owner_name,
        ConversationState.RESOLVED: "",
    }
    return texts[state]


def _locked_text(
    conversation: Conversation, state: ConversationState, *, is_mine: bool, may_write: bool
) -> str:
    """Return why this person cannot write now, or nothing if they can."""
    if not may_write:
        return gettext("Your role lets you read conversations, not answer them.")
    if is_mine:
        return ""
    texts = {
        ConversationState.AI: gettext("The AI is answering. Take over to reply."),
        ConversationState.QUEUED: gettext("Claim the conversation to reply."),
        ConversationState.ASSIGNED: gettext("%(name)s has this conversation.")
        % {"name": conversation.owner_name},
        ConversationState.RESOLVED: gettext("Resolved. It opens again when the visitor writes."),
    }
    return texts[state]


def _actions(
    conversation: Conversation, state: ConversationState, *, is_mine: bool
) -> tuple[Action, ...]:
    def action(key: str, label: str, icon: str, variant: str = "") -> Action:
        url = reverse(f"conversations:{key}", args=[conversation.pk])
        return Action(key=key, label=label, icon=icon, variant=variant, url=url)

    resolve = action("resolve", gettext("Resolve"), "check")
    if is_mine:
        requeue = action("requeue", gettext("Back to the queue"), "users", "ghost")
        return (requeue, action("hand_back", gettext("Hand back to AI"), "reply"), resolve)
    if state == ConversationState.QUEUED:
        return (resolve, action("claim", gettext("Claim"), "hand", "primary"))
    if state == ConversationState.AI:
        return (resolve, action("claim", gettext("Take over"), "hand"))
    return ()
