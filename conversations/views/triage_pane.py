"""What the inbox shows of a conversation's triage and of the team's notes on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from conversations import selectors
from conversations.models import Conversation, ConversationNote
from conversations.types import LABEL_LENGTH, LABELS_LIMIT, TEXT_LIMIT, Author, Priority
from conversations.views.choices import PRIORITY_LABELS, SNOOZE_LABELS
from conversations.views.markup import message_html
from conversations.views.panes import Face, face_of


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One note as the inbox shows it."""

    face: Face
    at: datetime
    body: SafeString
    is_for_me: bool


def triage_context(conversation: Conversation, *, person_id: UUID) -> dict[str, Any]:
    """Return what the page shows of a conversation's triage and notes."""
    notes = selectors.note_list(conversation_id=conversation.pk)
    return {
        "triage": {
            "priority": Priority(conversation.priority).key,
            "labels": ", ".join(conversation.labels),
            "snoozed_until": conversation.snoozed_until if conversation.is_snoozed else None,
        },
        "priorities": [(each.key, PRIORITY_LABELS[each]) for each in Priority],
        "snoozes": list(SNOOZE_LABELS.items()),
        "labels_known": selectors.labels_used(),
        "labels_length": LABELS_LIMIT * (LABEL_LENGTH + 2),
        "notes": [_note_line(each, person_id) for each in notes],
        "note_limit": TEXT_LIMIT,
    }


def _note_line(note: ConversationNote, person_id: UUID) -> NoteLine:
    return NoteLine(
        face=face_of(note.name, str(note.person_id)),
        at=note.created_at,
        body=message_html(author=Author.AGENT, text=note.text, citations=[]),
        is_for_me=person_id in note.mentions,
    )
