"""Writes of analytics: projecting events, and rebuilding the projection from them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from analytics.models import ActivityFact, ConversationStart, DailyActivity
from analytics.projection import PROJECTED, activity_of
from analytics.types import METRIC_OF, Kind, Metric
from core import tenancy
from core.events import StoredEvent
from core.events.catalogue import event_decode
from core.events.models import OutboxEvent

_LOCK = 0x46_44_41_4E  # "FDAN": projecting shares it, a rebuild holds it alone

_REBUILD = """
DELETE FROM analytics_conversationstart;
DELETE FROM analytics_dailyactivity;
INSERT INTO analytics_conversationstart (conversation_id, day)
SELECT conversation_id, min(day) FROM analytics_activityfact
WHERE kind = 'visitor_message' GROUP BY conversation_id;
INSERT INTO analytics_dailyactivity
    (day, conversations, visitor_messages, ai_replies, agent_replies, handovers, resolved)
SELECT day, sum(conversations), sum(visitor_messages), sum(ai_replies), sum(agent_replies),
       sum(handovers), sum(resolved)
FROM (
    SELECT day, 0 AS conversations,
           count(*) FILTER (WHERE kind = 'visitor_message') AS visitor_messages,
           count(*) FILTER (WHERE kind = 'ai_reply') AS ai_replies,
           count(*) FILTER (WHERE kind = 'agent_reply') AS agent_replies,
           count(*) FILTER (WHERE kind = 'handover') AS handovers,
           count(*) FILTER (WHERE kind = 'resolved') AS resolved
    FROM analytics_activityfact GROUP BY day
    UNION ALL
    SELECT day, count(*), 0, 0, 0, 0, 0 FROM analytics_conversationstart GROUP BY day
) AS counted
GROUP BY day;
"""

_FORGET = """
DELETE FROM analytics_activityfact f USING core_outboxevent e
WHERE e.event_id = f.event_id AND e.tenant_id = %s AND e.name = ANY(%s)
  AND e.occurred_at >= %s AND e.occurred_at < %s
"""


@transaction.atomic
def activity_project(*, stored: StoredEvent) -> bool:
    """Count an event into its day; return whether it counted.

    Idempotent by event id. The result does not depend on the order in which events arrive.
    """
    activity = activity_of(stored.event)
    if activity is None:
        return False
    kind, conversation_id = activity
    day = stored.occurred_at.astimezone(UTC).date()
    _rebuild_wait()
    if not _fact_record(stored.event_id, kind, conversation_id, day):
        return False
    _metric_add(day, METRIC_OF[kind], 1)
    if kind is Kind.VISITOR_MESSAGE:
        _conversation_count(conversation_id, day)
    return True


@transaction.atomic
def activity_rebuild() -> int:
    """Build the tenant's projection anew from facts and stored events; return the facts' number.

    Idempotent. Holds the projection's lock, so events projected meanwhile wait and count once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, _tenant_number()))
    facts = list(_facts_of_outbox())
    ActivityFact.objects.bulk_create(facts, ignore_conflicts=True, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD)
    return ActivityFact.objects.count()


@transaction.atomic
def activity_forget(*, since: datetime, until: datetime) -> int:
    """Forget what the stored events of [since, until) counted as; return how many facts that were.

    The replay of these events counts them again; older facts, whose events are gone, stay.
    Idempotent. Holds the projection's lock, as a rebuild does.
    """
    names = [event.name for event in PROJECTED]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, _tenant_number()))
        cursor.execute(_FORGET, (tenancy.require().id, names, since, until))
        count = int(cursor.rowcount)
        cursor.execute(_REBUILD)
    return count


def _facts_of_outbox() -> Iterator[ActivityFact]:
    names = [event.name for event in PROJECTED]
    rows = OutboxEvent.objects.filter(tenant_id=tenancy.require().id, name__in=names)
    for row in rows.order_by("id").iterator(chunk_size=1000):
        activity = activity_of(event_decode(row.name, row.payload))
        if activity:
            kind, conversation_id = activity
            day = row.occurred_at.astimezone(UTC).date()
            yield ActivityFact(
                event_id=row.event_id, kind=kind, conversation_id=conversation_id, day=day
            )


def _fact_record(event_id: UUID, kind: Kind, conversation_id: UUID, day: date) -> bool:
    """Store the fact unless it is known; two deliveries at once are decided by the primary key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO analytics_activityfact (event_id, kind, conversation_id, day) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (event_id, str(kind), conversation_id, day),
        )
        return bool(cursor.rowcount == 1)


def _conversation_count(conversation_id: UUID, day: date) -> None:
    """Count a conversation on the day of its earliest message, moving it if this one is earlier."""
    start, is_new = ConversationStart.objects.select_for_update().get_or_create(
        conversation_id=conversation_id, defaults={"day": day}
    )
    if not is_new and start.day <= day:
        return
    if not is_new:
        _metric_add(start.day, Metric.CONVERSATIONS, -1)
        start.day = day
        start.save(update_fields=["day"])
    _metric_add(day, Metric.CONVERSATIONS, 1)


def _metric_add(day: date, metric: Metric, amount: int) -> None:
    DailyActivity.objects.get_or_create(day=day)
    DailyActivity.objects.filter(day=day).update(**{metric: F(metric) + amount})


def _rebuild_wait() -> None:
    """Wait while a rebuild runs; projecting events do not wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", (_LOCK, _tenant_number()))


def _tenant_number() -> int:
    """Return the tenant as the 32-bit key of an advisory lock; a collision only costs waiting."""
    return tenancy.require().id.int % (1 << 31)
