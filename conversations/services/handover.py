"""From the AI to people and back: each change of hands raises the fence and tells the visitor."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from conversations import announce, selectors
from conversations.errors import AlreadyClaimed, AlreadyResolved, NotAssignedToYou, StaleReply
from conversations.models import Conversation, QueueWait
from conversations.services.service_levels import targets_drop, targets_meet, targets_start
from conversations.services.transcript import (
    conversation_lock,
    conversation_store,
    person_require,
    state_set,
    system_append,
)
from conversations.types import (
    DEFAULT_QUEUE,
    DEGRADED_REASONS,
    ConversationState,
    SlaKind,
    SystemKind,
)
from core.events import catalogue, publish
from core.observability.metrics import handovers_total
from tenants.models import Person

# These are told their new place; who waits further back learns it at the next heartbeat.
_TOLD_THEIR_PLACE = 20
_REASONS = frozenset(
    {
        *("requested", "visitor_request", "low_confidence", "abstained", "complaint"),
        *("run_failed", *DEGRADED_REASONS),
    }
)


def handover_request(
    *,
    conversation_id: UUID,
    fence: int | None,
    reason: str,
    run_id: UUID | None = None,
    queue: str = DEFAULT_QUEUE,
) -> Conversation:
    """Put the conversation into a queue for people and tell the visitor.

    Idempotent: a conversation that waits for or has a person stays as it is. With a fence it is a
    compare-and-set like a reply's and raises StaleReply; without one (a visitor or an agent asks)
    it always holds, also for a resolved conversation. `run_id` is who asked. Publishes
    HandoverRequested.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        if conversation.state in {ConversationState.QUEUED, ConversationState.ASSIGNED}:
            return conversation
        if fence is not None and fence != conversation.fence:
            raise StaleReply(cause="fence")
        conversation.reason = reason[:64]
        conversation.answered_seq = conversation.last_visitor_seq
        queue_enter(conversation, queue=queue, text=_line(reason))
        targets_start(conversation, SlaKind.FIRST_RESPONSE, SlaKind.RESOLUTION)
        publish(
            catalogue.HandoverRequested(
                conversation_id=conversation_id, reason=conversation.reason, queue=queue
            )
        )
    handovers_total.labels(reason=reason if reason in _REASONS else "other").inc()
    return conversation


def queue_enter(
    conversation: Conversation, *, queue: str, text: str, since: datetime | None = None
) -> None:
    """Put a locked conversation into a queue, store it and tell the visitor `text`.

    `since` is when the wait began for who had a place before.
    """
    state_set(conversation, ConversationState.QUEUED, queue=queue)
    conversation.queued_at = since or conversation.queued_at
    conversation.queue_place = selectors.queue_position(conversation)
    system_append(conversation, SystemKind.QUEUED, text)
    conversation_store(conversation, has_new_state=True)
    if since or conversation.priority:  # others may stand behind this one now
        places_announce(queue)


def _line(reason: str) -> str:
    """Return what the visitor reads; when the assistant may not answer, it says so."""
    opens_at = selectors.team_opens_at()
    if opens_at is not None:
        back = date_format(opens_at, "l, H:i")
        away = _("Nobody of the team is here right now; they are back on %(back)s (%(zone)s).")
        stays = _("Your conversation waits for them, and you can keep writing.")
        return f"{away % {'back': back, 'zone': opens_at.tzname()}} {stays}"
    if reason in DEGRADED_REASONS:
        return _(
            "Our assistant cannot answer at the moment, so a person will. "
            "You can keep writing in the meantime."
        )
    return _("A person will take over. You can keep writing in the meantime.")


def conversation_claim(*, conversation_id: UUID, person_id: UUID) -> Conversation:
    """Give the conversation to a person; of several at once exactly one wins.

    From the commit on the AI adds nothing more. Idempotent for who has it already. Raises
    AlreadyClaimed (its `agent` says who has it), AlreadyResolved, ConversationNotFound,
    PersonNotFound. Publishes ConversationClaimed.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        if conversation.state == ConversationState.ASSIGNED:
            return _claimed_already(conversation, person_id)
        if conversation.state == ConversationState.RESOLVED:
            raise AlreadyResolved()
        person_joins(conversation, person_require(person_id))
    return conversation


def person_joins(conversation: Conversation, person: Person) -> None:
    """Give a locked conversation to a person, store it and tell the visitor.

    A wait that ends is kept, for what others may expect. Publishes ConversationClaimed.
    """
    queue = conversation.queue
    if queue:
        _wait_keep(conversation)
        conversation.served_queue = queue
    state_set(conversation, ConversationState.ASSIGNED, owner=person)
    joined = _("%(name)s joined the conversation.") % {"name": person.display_name}
    system_append(conversation, SystemKind.JOINED, joined, name=person.display_name)
    conversation_store(conversation, has_new_state=True)
    places_announce(queue)
    publish(catalogue.ConversationClaimed(conversation_id=conversation.pk, person_id=person.pk))


def _wait_keep(conversation: Conversation) -> None:
    began = conversation.queued_at or timezone.now()
    QueueWait.objects.create(
        queue=conversation.queue,
        place=conversation.queue_place or 1,
        seconds=int(max(0.0, (timezone.now() - began).total_seconds())),
    )


def _claimed_already(conversation: Conversation, person_id: UUID) -> Conversation:
    if conversation.owner_id == person_id:
        return conversation
    detail = _("%(name)s already has this conversation.") % {"name": conversation.owner_name}
    raise AlreadyClaimed(detail, agent=conversation.owner_name)


def conversation_hand_back(*, conversation_id: UUID, person_id: UUID) -> Conversation:
    """Return the conversation from its agent to the AI.

    What the visitor said and nobody answered is the AI's next turn. Idempotent while the AI has
    it. Raises NotAssignedToYou, ConversationNotFound, PersonNotFound. Publishes
    ConversationHandedBack.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        person = person_require(person_id)
        if conversation.state == ConversationState.AI:
            return conversation
        owner_check(conversation, person_id)
        state_set(conversation, ConversationState.AI)
        handed_back = _("%(name)s left; the AI assistant answers again.")
        system_append(
            conversation,
            SystemKind.HANDED_BACK,
            handed_back % {"name": person.display_name},
            name=person.display_name,
        )
        conversation_store(conversation, has_new_state=True)
        targets_drop(conversation)
        publish(
            catalogue.ConversationHandedBack(conversation_id=conversation_id, person_id=person_id)
        )
    return conversation


def conversation_resolve(*, conversation_id: UUID, person_id: UUID) -> Conversation:
    """Close the conversation: its agent may, and anyone of the team while nobody has claimed it.

    The visitor's next message opens it again for the AI. Idempotent. Raises NotAssignedToYou,
    ConversationNotFound, PersonNotFound. Publishes ConversationResolved.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        person_require(person_id)
        if conversation.state == ConversationState.RESOLVED:
            return conversation
        if conversation.state == ConversationState.ASSIGNED:
            owner_check(conversation, person_id)
        queue = conversation.queue
        state_set(conversation, ConversationState.RESOLVED)
        conversation.answered_seq = conversation.last_visitor_seq
        system_append(conversation, SystemKind.RESOLVED, _("This conversation is resolved."))
        conversation_store(conversation, has_new_state=True)
        targets_meet(conversation, SlaKind.RESOLUTION)
        targets_drop(conversation)
        places_announce(queue)
        publish(catalogue.ConversationResolved(conversation_id=conversation_id, by="agent"))
    return conversation


def owner_check(conversation: Conversation, person_id: UUID) -> None:
    """Raise NotAssignedToYou unless the person has the conversation."""
    if conversation.state != ConversationState.ASSIGNED or conversation.owner_id != person_id:
        raise NotAssignedToYou(agent=conversation.owner_name)


def places_announce(queue: str) -> None:
    """Tell those at the head of a queue that their place may be another one."""
    if queue:
        for waiting in selectors.queue_list(queue=queue)[:_TOLD_THEIR_PLACE]:
            announce.status_announce(waiting)
