"""Reads of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from django.db.models import Count, Func, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from conversations.asking import FormField, fields_to_ask
from conversations.attachments.parts import parts_shown
from conversations.attachments.reading import text_told
from conversations.errors import (
    ConversationNotFound,
    MessageNotFound,
    PersonNotFound,
    PolicyNotFound,
    WidgetUnknown,
)
from conversations.models import (
    AgentProfile,
    Conversation,
    ConversationNote,
    Customer,
    Message,
    NotificationTarget,
    QueueWait,
    Rating,
    SlaPolicy,
    SlaTarget,
    WidgetInstallation,
)
from conversations.support_preferences import AssignmentRules, office_hours
from conversations.types import (
    DEGRADED_REASONS,
    AgentLine,
    Author,
    ChatAnswer,
    ConversationState,
    HistoryItem,
    Position,
    QueueOutlook,
    TurnContext,
)
from tenants.models import Person
from tenants.preferences import values_for
from tenants.selectors import membership_list
from tenants.types import ROLE_SCOPES

HISTORY_LIMIT = 20
# An expected wait is told from so many of the latest waits, of a day, or not at all.
WAITS, WAITS_AT_LEAST = 20, 3
WAITS_FOR = timedelta(days=1)
PAGE = 100


def conversation_get(*, conversation_id: UUID) -> Conversation:
    """Return a conversation with its customer; raises ConversationNotFound."""
    found = Conversation.objects.select_related("customer").filter(pk=conversation_id).first()
    if found is None:
        raise ConversationNotFound()
    return found


def visitor_exists() -> bool:
    """Return whether a browser has opened the widget; API visitors have an id of the caller's."""
    return Customer.objects.filter(external_id=None).exists()


def conversation_list(
    *,
    states: Iterable[ConversationState] = (),
    owner_id: UUID | None = None,
    label: str = "",
    mentions: UUID | None = None,
    snoozed: bool | None = None,
    is_due: bool = False,
) -> QuerySet[Conversation]:
    """Return conversations in which something was said, the latest first.

    `mentions` is a member whom a note names; `snoozed` asks for those that are put off, or for the
    others. What was said in them is searched by `conversations.searching`.
    """
    found = Conversation.objects.select_related("customer").filter(last_message_at__isnull=False)
    found = found.annotate(due_at=_due_at())
    wanted = [str(state) for state in states]
    if wanted:
        found = found.filter(state__in=wanted)
    if owner_id:
        found = found.filter(owner_id=owner_id)
    if label:
        found = found.filter(labels__contains=[label])
    if mentions:
        naming = ConversationNote.objects.filter(mentions__contains=[mentions])
        found = found.filter(pk__in=naming.values("conversation_id"))
    if is_due:
        found = found.filter(due_at__isnull=False)
    if snoozed is not None:
        is_later = Q(snoozed_until__gt=timezone.now())
        found = found.filter(is_later if snoozed else ~is_later | Q(snoozed_until=None))
    return found.order_by("-last_message_at", "-pk")


def _due_at() -> Subquery:
    """Return by when a person shall do the next thing; NULL where nothing is promised."""
    mine = SlaTarget.objects.filter(conversation_id=OuterRef("pk"), ended_at=None)
    return Subquery(mine.order_by("due_at").values("due_at")[:1])


def note_list(*, conversation_id: UUID) -> QuerySet[ConversationNote]:
    """Return the team's notes on a conversation, in the order they were written."""
    return ConversationNote.objects.filter(conversation_id=conversation_id).order_by(
        "created_at", "pk"
    )


def labels_used() -> list[str]:
    """Return the labels that conversations have, in order."""
    each = Conversation.objects.exclude(labels=[]).annotate(one=Func("labels", function="unnest"))
    return sorted(set(each.order_by().values_list("one", flat=True)))


def conversation_counts() -> dict[str, int]:
    """Return how many conversations are in each state; empty and snoozed ones do not count."""
    rows = conversation_list(snoozed=False).order_by().values("state")
    counted = {row["state"]: row["total"] for row in rows.annotate(total=Count("pk"))}
    return {str(state): counted.get(str(state), 0) for state in ConversationState}


def conversations_of(*, customer_id: UUID) -> QuerySet[Conversation]:
    """Return a customer's conversations in which something was said, the latest first."""
    return conversation_list().filter(customer_id=customer_id)


def conversation_current(*, customer: Customer, channel: str) -> Conversation | None:
    """Return the customer's unfinished conversation in a channel."""
    mine = Conversation.objects.filter(customer=customer, channel=channel)
    return mine.exclude(state=ConversationState.RESOLVED).order_by("-created_at").first()


def conversations_earlier(*, customer_id: UUID, besides: UUID, limit: int) -> list[Conversation]:
    """Return a visitor's other web conversations in which something was said, the latest first."""
    mine = conversation_list().filter(customer_id=customer_id, channel="web")
    return list(mine.exclude(pk=besides)[:limit])


def conversation_unrated(*, customer_id: UUID, since: datetime) -> Conversation | None:
    """Return the visitor's last resolved web conversation if it was not rated; None otherwise."""
    mine = Conversation.objects.filter(customer_id=customer_id, channel="web")
    resolved = mine.filter(state=ConversationState.RESOLVED, resolved_at__gte=since)
    last = resolved.order_by("-resolved_at").first()
    is_rated = last is not None and rating_of(last) is not None
    return None if is_rated else last


def rating_of(conversation: Conversation) -> Rating | None:
    """Return how the conversation as it is now resolved was rated."""
    return Rating.objects.filter(conversation=conversation, resolution=conversation.fence).first()


def rating_last(*, conversation_id: UUID) -> Rating | None:
    """Return the conversation's last rating, of whichever resolution."""
    return Rating.objects.filter(conversation_id=conversation_id).order_by("-resolution").first()


def rating_list(*, score: int | None = None) -> QuerySet[Rating]:
    """Return the ratings, the latest first."""
    found = Rating.objects.order_by("-created_at", "-pk")
    return found.filter(score=score) if score else found


def fields_open(customer: Customer, fields: Iterable[FormField]) -> list[FormField]:
    """Return the fields of the form whose answer is not known of the customer."""
    return fields_to_ask(fields, name=customer.name, email=customer.email, answers=customer.answers)


def queue_list(*, queue: str) -> QuerySet[Conversation]:
    """Return who waits in a queue, the most urgent first, then who waits longest."""
    waiting = Conversation.objects.filter(state=ConversationState.QUEUED, queue=queue)
    return waiting.order_by("-priority", "queued_at", "pk")


def queue_position(conversation: Conversation) -> int:
    """Return the place in the queue, 1 for who is next."""
    earlier = Q(priority=conversation.priority, queued_at__lt=conversation.queued_at)
    ahead = Q(priority__gt=conversation.priority) | earlier
    return queue_list(queue=conversation.queue).filter(ahead).count() + 1


def agent_loads() -> dict[UUID, int]:
    """Return how many conversations each of the team has; those put off do not count."""
    taken = Conversation.objects.filter(state=ConversationState.ASSIGNED)
    awake = taken.exclude(snoozed_until__gt=timezone.now())
    rows = awake.order_by().values("owner_id").annotate(total=Count("pk"))
    return {row["owner_id"]: row["total"] for row in rows if row["owner_id"]}


def agent_list() -> list[AgentLine]:
    """Return who of the team may answer, whether they are there, and what they have."""
    profiles, loads = AgentProfile.objects.in_bulk(), agent_loads()
    usual = values_for(AssignmentRules).capacity
    roles = [role for role, scopes in ROLE_SCOPES.items() if "conversations:write" in scopes]
    members = membership_list().filter(role__in=roles, person__is_active=True)
    return [
        _agent_line(member.person, profiles.get(member.person_id), loads, usual)
        for member in members
    ]


def agent_get(*, person_id: UUID) -> AgentLine:
    """Return one of those who may answer; raises PersonNotFound."""
    found = next((each for each in agent_list() if each.person_id == person_id), None)
    if found is None:
        raise PersonNotFound()
    return found


def _agent_line(
    person: Person, profile: AgentProfile | None, loads: Mapping[UUID, int], usual: int
) -> AgentLine:
    profile = profile or AgentProfile(person_id=person.pk)
    return AgentLine(
        person_id=person.pk,
        name=person.display_name,
        is_available=profile.is_available,
        is_present=profile.is_present,
        load=loads.get(person.pk, 0),
        capacity=profile.capacity or usual,
        has_own_capacity=profile.capacity is not None,
        skills=tuple(profile.skills),
        seen_at=profile.seen_at,
    )


def notification_target_list() -> QuerySet[NotificationTarget]:
    """Return who is told that a visitor waits, in the order they were added."""
    return NotificationTarget.objects.order_by("created_at", "pk")


def notification_targets_for(queue: str) -> QuerySet[NotificationTarget]:
    """Return who is told that a visitor waits in this queue."""
    return notification_target_list().filter(Q(queue="") | Q(queue=queue))


def sla_policy_list() -> QuerySet[SlaPolicy]:
    """Return the tenant's service levels, in the order they are looked through."""
    return SlaPolicy.objects.order_by("position", "name")


def sla_policy_get(*, policy_id: UUID) -> SlaPolicy:
    """Return a service level; raises PolicyNotFound."""
    found = SlaPolicy.objects.filter(pk=policy_id).first()
    if found is None:
        raise PolicyNotFound()
    return found


def sla_policy_for(conversation: Conversation) -> SlaPolicy | None:
    """Return the service level that a conversation falls under."""
    active = sla_policy_list().filter(is_active=True)
    return next((policy for policy in active if policy.fits(conversation)), None)


def sla_target_list(*, conversation_id: UUID) -> QuerySet[SlaTarget]:
    """Return what was and is promised in a conversation, the latest first."""
    mine = SlaTarget.objects.filter(conversation_id=conversation_id).select_related("policy")
    return mine.order_by("-started_at", "-pk")


def queue_outlook(conversation: Conversation) -> QueueOutlook:
    """Return what somebody who waits may expect.

    The wait is the median of what the latest took for each place they advanced, times the place.
    """
    position = queue_position(conversation)
    ended_after = timezone.now() - WAITS_FOR
    ended = QueueWait.objects.filter(queue=conversation.queue, ended_at__gt=ended_after)
    latest = ended.order_by("-ended_at").values_list("seconds", "place")[:WAITS]
    paces = [seconds / place for seconds, place in latest]
    wait = round(median(paces) * position) if len(paces) >= WAITS_AT_LEAST else None
    return QueueOutlook(position=position, wait_seconds=wait, opens_at=team_opens_at())


def team_opens_at() -> datetime | None:
    """Return when the team is back, in its time zone; None while it is there, or never will be."""
    hours, now = office_hours(), timezone.now()
    opens_at = None if hours.is_open(now) else hours.opens_at(now)
    return opens_at.astimezone(hours.zone) if opens_at else None


def position_get(*, conversation_id: UUID) -> Position:
    """Return how far the conversation has come; raises ConversationNotFound."""
    row = Conversation.objects.filter(pk=conversation_id).values_list("epoch", "next_seq").first()
    if row is None:
        raise ConversationNotFound()
    return Position(epoch=row[0], seq=row[1] - 1)


def message_list(
    *, conversation_id: UUID, after: int = 0, limit: int | None = None
) -> QuerySet[Message]:
    """Return a conversation's messages after a seq, in order."""
    found = Message.objects.filter(conversation_id=conversation_id, seq__gt=after).order_by("seq")
    return found[:limit] if limit else found


def message_get(*, message_id: UUID) -> Message:
    """Return a message with its conversation; raises MessageNotFound."""
    found = Message.objects.select_related("conversation").filter(pk=message_id).first()
    if found is None:
        raise MessageNotFound()
    return found


def turn_context(*, conversation_id: UUID) -> TurnContext:
    """Return what a run has to answer and what guards its reply; raises ConversationNotFound."""
    conversation = conversation_get(conversation_id=conversation_id)
    recent = Message.objects.filter(conversation=conversation).exclude(author=Author.SYSTEM)
    columns = ("seq", "author", "text", "created_at", "attachments")
    said = list(recent.order_by("-seq").values_list(*columns)[: HISTORY_LIMIT * 2])
    said.reverse()
    by_visitor = [row for row in said if row[1] == Author.VISITOR]
    open_turn = [
        text_told(text, parts, is_open=True)
        for seq, _, text, _, parts in by_visitor
        if seq > conversation.answered_seq
    ]
    history = [
        HistoryItem(Author(author), text_told(text, parts, is_open=False))
        for seq, author, text, _, parts in said
        if author != Author.VISITOR or seq <= conversation.answered_seq
    ]
    return TurnContext(
        conversation_id=conversation.pk,
        fence=conversation.fence,
        state=ConversationState(conversation.state),
        last_visitor_seq=conversation.last_visitor_seq,
        text="\n".join(open_turn),
        history=tuple(history[-HISTORY_LIMIT:]),
        channel=conversation.channel,
        last_text=text_told(by_visitor[-1][2], by_visitor[-1][4], is_open=False)
        if by_visitor
        else "",
        said_at=tuple(row[3] for row in by_visitor[-2:]),
    )


def chat_answer(*, message_id: UUID) -> ChatAnswer:
    """Return what became of a visitor's message so far; raises MessageNotFound."""
    message = message_get(message_id=message_id)
    if message.author != Author.VISITOR:
        raise MessageNotFound()
    conversation = message.conversation
    reply = None
    if conversation.seq > message.seq:  # else nothing has been said since
        answers = Message.objects.filter(
            conversation=conversation, seq__gt=message.seq, author__in=[Author.AI, Author.AGENT]
        )
        reply = answers.order_by("seq").first()
    status = _answer_status(conversation, reply)
    is_degraded = status == "with_person" and conversation.reason in DEGRADED_REASONS
    return ChatAnswer(
        conversation_id=conversation.pk,
        message_id=message.pk,
        status=status,
        degraded=conversation.reason if is_degraded else "",
        reply={
            "text": reply.text,
            "citations": reply.citations,
            "attachments": parts_shown(reply.attachments),
        }
        if reply
        else None,
        route=reply.route if reply else None,
        run_id=reply.run_id if reply else None,
    )


def _answer_status(conversation: Conversation, reply: Message | None) -> str:
    """Return answered, with_person (a person will answer), resolved (nobody will) or pending."""
    if reply is not None:
        return "answered"
    if conversation.state == ConversationState.RESOLVED:
        return "resolved"
    with_person = {ConversationState.QUEUED, ConversationState.ASSIGNED}
    return "with_person" if conversation.state in with_person else "pending"


def widget_get(*, key: str) -> WidgetInstallation:
    """Return this tenant's widget with the public key; raises WidgetUnknown."""
    found = WidgetInstallation.objects.filter(key=key[:40].replace("\x00", "")).first()
    if found is None:
        raise WidgetUnknown()
    return found


def widget_current() -> WidgetInstallation | None:
    """Return the tenant's widget, the first where there are several."""
    return WidgetInstallation.objects.order_by("created_at").first()


def customer_list(*, query: str = "") -> QuerySet[Customer]:
    """Return customers by name, address or the business's own id, newest first."""
    words = query.replace("\x00", "").strip()
    found = Customer.objects.order_by("-created_at", "-pk")
    if not words:
        return found
    by_name = Q(name__icontains=words) | Q(email__icontains=words)
    return found.filter(by_name | Q(external_id=words))


def customer_get(*, customer_id: UUID) -> Customer | None:
    return Customer.objects.filter(pk=customer_id).first()


def widget_origins() -> set[str]:
    """Return every origin where one of the tenant's widgets may appear."""
    lists = WidgetInstallation.objects.values_list("allowed_origins", flat=True)
    return {origin for origins in lists for origin in origins}


def conversation_latest(*, customer: Customer, channel: str) -> Conversation | None:
    """Return the customer's newest conversation in a channel, finished or not."""
    mine = Conversation.objects.filter(customer=customer, channel=channel)
    return mine.order_by("-created_at").first()
