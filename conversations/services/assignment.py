"""Which person has a conversation: given by hand or in turn, and taken back when nobody answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import selectors
from conversations.errors import AlreadyResolved
from conversations.models import AgentProfile, Conversation, Message
from conversations.services.handover import owner_check, person_joins, queue_enter
from conversations.services.transcript import (
    answerer_get,
    answerer_require,
    conversation_lock,
    person_require,
)
from conversations.support_preferences import AssignmentRules, office_hours
from conversations.types import DEFAULT_QUEUE, Author, ConversationState
from core.events import catalogue, publish
from tenants.models import Person
from tenants.preferences import values_for

LOOKED_AT = 50  # of those who wait: in several queues the first may be for nobody who is there
OVERDUE_LIMIT = 200
PASSED_BY = "passed_by"  # in a conversation's context: who let it go, and is not given it again


def conversation_assign(
    *, conversation_id: UUID, person_id: UUID, assignee_id: UUID
) -> Conversation:
    """Give a conversation to a member of the team, whoever has it now.

    From the commit on neither the AI nor who had it answers. Idempotent for who has it already.
    Raises ConversationNotFound, PersonNotFound, PersonCannotAnswer, AlreadyResolved. Publishes
    ConversationClaimed.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        person_require(person_id)
        if conversation.state == ConversationState.RESOLVED:
            raise AlreadyResolved()
        assignee = answerer_require(assignee_id)
        if conversation.owner_id != assignee.pk:
            person_joins(conversation, assignee)
    return conversation


def conversation_requeue(*, conversation_id: UUID, person_id: UUID) -> Conversation:
    """Put an agent's conversation back into the queue it came from, at its place.

    Idempotent while it waits. Raises NotAssignedToYou, ConversationNotFound, PersonNotFound.
    Publishes HandoverRequested.
    """
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        person_require(person_id)
        if conversation.state != ConversationState.QUEUED:
            owner_check(conversation, person_id)
            _requeue(conversation, reason="agent_request")
    return conversation


def _requeue(conversation: Conversation, *, reason: str) -> None:
    queue = conversation.served_queue or DEFAULT_QUEUE
    text = _("We are finding somebody else for you; you keep your place.")
    since = unanswered_since(conversation)
    conversation.context = {**conversation.context, PASSED_BY: str(conversation.owner_id)}
    conversation.reason = reason
    queue_enter(conversation, queue=queue, text=text, since=since)
    publish(
        catalogue.HandoverRequested(conversation_id=conversation.pk, reason=reason, queue=queue)
    )


def unanswered_since(conversation: Conversation) -> datetime | None:
    """Return when the visitor said the first thing that nobody has answered."""
    said = Message.objects.filter(conversation=conversation, author=Author.VISITOR)
    waiting = said.filter(seq__gt=conversation.answered_seq).order_by("seq")
    return waiting.values_list("created_at", flat=True).first()


def overdue_requeue() -> int:
    """Bring conversations back whose agent lets the visitor wait; returns how many.

    How long that may be is a setting, in office hours. The agent is set to away, so that nothing
    comes to them until they are back. One that is locked just now is left to the next call.
    """
    minutes = values_for(AssignmentRules).answer_minutes
    hours, now = office_hours(), timezone.now()
    if not minutes or not hours.is_open(now):
        return 0
    begun = now - timedelta(minutes=minutes)
    waiting = Conversation.objects.filter(
        state=ConversationState.ASSIGNED,
        last_visitor_seq__gt=F("answered_seq"),
        assigned_at__lte=begun,
        last_message_at__isnull=False,
    ).values_list("pk", flat=True)
    return sum(_overdue_requeue(each, minutes * 60.0, now) for each in waiting[:OVERDUE_LIMIT])


def _overdue_requeue(conversation_id: UUID, limit: float, now: datetime) -> bool:
    with transaction.atomic():
        rows = Conversation.objects.select_for_update(of=("self",), skip_locked=True)
        found = rows.select_related("customer").filter(
            pk=conversation_id, state=ConversationState.ASSIGNED
        )
        conversation = found.first()
        since = unanswered_since(conversation) if conversation else None
        if conversation is None or since is None or conversation.owner_id is None:
            return False
        begun = max(since, conversation.assigned_at or since)
        if office_hours().elapsed(begun, now) < limit:
            return False
        AgentProfile.objects.filter(pk=conversation.owner_id).update(is_available=False)
        _requeue(conversation, reason="agent_silent")
    return True


def queue_assign() -> int:
    """Give those who wait to agents who are there and have room; returns how many got somebody.

    The most urgent first, then who waits longest; of the agents who serve the queue, who was given
    something least recently. Does nothing where people claim by themselves. Safe at several places
    at once: each conversation and the agents are locked while one is given to the other.
    """
    if values_for(AssignmentRules).mode != "round_robin":
        return 0
    given = 0
    while _next_assign():
        given += 1
    return given


@transaction.atomic
def _next_assign() -> bool:
    waiting = list(_waiting_locked())
    agents = _reachable_locked() if waiting else []
    if not agents:
        return False
    room = _room_left(agents)
    for conversation in waiting:
        chosen = _agent_for(conversation, agents, room)
        if chosen is not None:
            person, profile = chosen
            profile.assigned_at = timezone.now()
            profile.save(update_fields=["assigned_at"])
            person_joins(conversation, person)
            return True
    return False


def _waiting_locked() -> Iterable[Conversation]:
    rows = Conversation.objects.select_for_update(of=("self",), skip_locked=True)
    mine = rows.select_related("customer").filter(state=ConversationState.QUEUED)
    awake = mine.exclude(snoozed_until__gt=timezone.now())
    return awake.order_by("-priority", "queued_at", "pk")[:LOOKED_AT]


def _reachable_locked() -> list[AgentProfile]:
    """Return who takes conversations now, locked, who was given one least recently first."""
    rows = AgentProfile.objects.select_for_update().filter(is_available=True).order_by("pk")
    there = [profile for profile in rows if profile.is_reachable]
    return sorted(there, key=lambda profile: (profile.assigned_at is not None, profile.assigned_at))


def _room_left(agents: Iterable[AgentProfile]) -> Mapping[UUID, int]:
    """Return how many more conversations each has room for."""
    usual = values_for(AssignmentRules).capacity
    load: Counter[UUID] = Counter(selectors.agent_loads())
    return {agent.pk: (agent.capacity or usual) - load[agent.pk] for agent in agents}


def _agent_for(
    conversation: Conversation, agents: Iterable[AgentProfile], room: Mapping[UUID, int]
) -> tuple[Person, AgentProfile] | None:
    """Return who is next for a conversation; a queue that none of them serves is everybody's."""
    passed_by = conversation.context.get(PASSED_BY)
    others = [each for each in agents if str(each.pk) != passed_by]
    serving = [each for each in others if not each.skills or conversation.queue in each.skills]
    for profile in serving or others:
        person = answerer_get(profile.pk) if room[profile.pk] > 0 else None
        if person is not None:
            return person, profile
    return None
