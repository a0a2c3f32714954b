"""What the team arranges about a conversation: how urgent it is, its labels, and when to see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import announce
from conversations.errors import LabelsInvalid, SnoozeInvalid
from conversations.models import Conversation
from conversations.services.handover import places_announce
from conversations.services.service_levels import targets_revise
from conversations.services.transcript import conversation_lock, conversation_store
from conversations.types import LABEL_LENGTH, LABELS_LIMIT, Priority

SNOOZE_LIMIT = timedelta(days=366)
WAKE_LIMIT = 500


class Triage(TypedDict):
    """What is to change; what is left out stays as it is."""

    priority: NotRequired[Priority]
    labels: NotRequired[Iterable[str]]
    snoozed_until: NotRequired[datetime | None]


def conversation_triage(*, conversation_id: UUID, changes: Triage) -> Conversation:
    """Change priority, labels or snoozing of a conversation, and tell every agent's list.

    A snoozed conversation leaves the lists until its time has come or the visitor writes. Labels
    are stored in lower case, each once. Another priority gives those who wait other places, which
    they are told. Idempotent. Locks the conversation. Raises ConversationNotFound, LabelsInvalid,
    SnoozeInvalid.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        before = conversation.priority
        if "priority" in changes:
            conversation.priority = changes["priority"]
        if "labels" in changes:
            conversation.labels = labels_clean(changes["labels"])
        if "snoozed_until" in changes:
            conversation.snoozed_until = _snooze_checked(changes["snoozed_until"])
        conversation_store(conversation)
        targets_revise(conversation)
        announce.change_announce(conversation)
        if conversation.priority != before:
            places_announce(conversation.queue)
    return conversation


def labels_clean(labels: Iterable[str]) -> list[str]:
    """Return labels as they are stored: trimmed, in lower case, sorted, each once.

    Raises LabelsInvalid for more than twenty, one of over forty characters, or a comma.
    """
    spaced = {" ".join(label.replace("\x00", "").split()).lower() for label in labels}
    found = sorted(spaced - {""})
    if len(found) > LABELS_LIMIT or any(len(one) > LABEL_LENGTH or "," in one for one in found):
        raise LabelsInvalid(limit=LABELS_LIMIT, length=LABEL_LENGTH)
    return found


def _snooze_checked(until: datetime | None) -> datetime | None:
    if until is not None and not timezone.now() < until <= timezone.now() + SNOOZE_LIMIT:
        raise SnoozeInvalid()
    return until


def snoozed_wake() -> int:
    """Bring back conversations of the tenant whose time has come; returns how many.

    Idempotent; one that is locked just now is left to the next call.
    """
    with transaction.atomic():
        due = Conversation.objects.select_for_update(of=("self",), skip_locked=True)
        rows = due.select_related("customer").filter(snoozed_until__lte=timezone.now())
        woken = list(rows[:WAKE_LIMIT])
        for conversation in woken:
            conversation.snoozed_until = None
            conversation_store(conversation)
            announce.change_announce(conversation)
    return len(woken)
