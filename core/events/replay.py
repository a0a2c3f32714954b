"""Deliver stored events to a subscriber again, from a point in time.

A request is a row per tenant. The relay carries each on in small turns beside the first deliveries,
so the request survives whoever made it, and a killed relay goes on behind the last committed turn:

1. what is due from before the span is delivered first; `rebuild` forgets what is to come again;
2. first deliveries and dead letters of the span join the replay, below a watermark kept in the row;
3. all other events of the span are planned again, by keyset, a chunk in each transaction;
4. only then they are delivered, in the order of first deliveries: by transaction, then by event.

From the request on, later first deliveries of the same tenant and subscriber wait (`backlog.HELD`),
so none overtakes; urgent ones never wait. A failed delivery leaves the replay and is retried like
any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import Count
from django.utils import timezone

from core import directory, tenancy
from core.audit.record import Fact, act_record
from core.audit.types import Act
from core.errors import NotFound, ReplayRefused, ReplayUnderWay, SubscriberUnknown
from core.events.deliver import DeliveryKey
from core.events.models import EventReplay, OutboxEvent
from core.events.registry import Subscriber, subscriber_get
from core.tenancy import TenantContext

log = structlog.get_logger(__name__)

CHUNK: Final = 2000  # events planned in one transaction
TOGETHER: Final = 50  # deliveries in one transaction
TURN_SECONDS: Final = 0.25  # how long first deliveries wait for a replay's turn
REPLAYS_AT_ONCE: Final = 2
MARK: Final = "replay"  # the reason of a delivery that exists because of a replay
State = EventReplay.State

_DUE_BEFORE = """
    SELECT EXISTS (SELECT 1 FROM core_delivery WHERE state = 'pending' AND replay_id IS NULL
        AND attempts = 0 AND tenant_id = %s AND subscriber = %s AND occurred_at < %s)
"""
_JOIN = """
    WITH joined AS (
        UPDATE core_delivery d SET replay_id = r.id, state = 'pending', attempts = 0,
            strikes = 0, finished_at = NULL, next_attempt_at = statement_timestamp()
        FROM core_eventreplay r
        WHERE r.id = %(replay)s AND d.tenant_id = r.tenant_id AND d.subscriber = r.subscriber
          AND d.state IN ('pending', 'dead') AND d.replay_id IS NULL
          AND d.occurred_at >= r.since AND d.occurred_at < r.until
          AND d.xid < r.before_xid
        RETURNING 1
    )
    SELECT count(*) FROM joined
"""
_WATERMARK = """
    UPDATE core_eventreplay SET state = 'planning', cursor_at = since,
        before_xid = pg_snapshot_xmin(pg_current_snapshot())
    WHERE id = %(replay)s AND state = 'requested'
"""
_PLAN = """
    WITH chunk AS (
        SELECT e.id, e.occurred_at, e.tenant_id, e.xid, r.id AS replay_id, r.subscriber
        FROM core_eventreplay r JOIN core_outboxevent e ON e.tenant_id = r.tenant_id
        WHERE r.id = %(replay)s AND e.name = ANY(%(names)s) AND e.xid < r.before_xid
          AND e.occurred_at >= %(cursor_at)s AND e.occurred_at < %(until)s
          AND (e.occurred_at, e.id) > (%(cursor_at)s, %(cursor_id)s)
        ORDER BY e.occurred_at, e.id LIMIT %(limit)s
    ), planned AS (
        INSERT INTO core_delivery (event_seq, occurred_at, tenant_id, subscriber, next_attempt_at,
            xid, replay_id, reason)
        SELECT id, occurred_at, tenant_id, subscriber, statement_timestamp(), xid, replay_id,
            %(mark)s
        FROM chunk WHERE NOT EXISTS (SELECT 1 FROM core_delivery d WHERE d.state = 'pending'
            AND d.replay_id = chunk.replay_id AND d.xid = chunk.xid AND d.event_seq = chunk.id)
        ORDER BY occurred_at, id
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM planned), count(*), max(occurred_at),
        (array_agg(id ORDER BY occurred_at DESC, id DESC))[1] FROM chunk
"""
_NEXT = """
    SELECT id, occurred_at, strikes > 0 FROM core_delivery
    WHERE replay_id = %(replay)s AND state = 'pending' ORDER BY xid, event_seq LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What a replay would deliver to one workspace."""

    tenant: TenantContext
    events: int


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far one workspace's replay is; `left` are planned and not yet tried."""

    tenant_id: UUID
    state: EventReplay.State
    planned: int
    left: int
    failed: int
    reason: str

    @property
    def done(self) -> int:
        return self.planned - self.left - self.failed


def replay_preview(
    *, subscriber: str, since: datetime, until: datetime | None = None, tenant_slug: str = ""
) -> list[ReplayPlan]:
    """Return how many stored events each active workspace would get again, most first.

    Raises SubscriberUnknown, NotFound for a workspace that is not active, and ReplayRefused for an
    empty span or one that reaches into the future.
    """
    found = _subscriber(subscriber)
    until = _span_end(since, until)
    tenants = {tenant.id: tenant for tenant in _tenants(tenant_slug)}
    with tenancy.platform_scope():
        counted = (
            OutboxEvent.objects.filter(
                name__in=found.event_names,
                occurred_at__gte=since,
                occurred_at__lt=until,
                tenant_id__in=list(tenants),
            )
            .values("tenant_id")
            .annotate(events=Count("pk"))
            .order_by("-events")
        )
        return [ReplayPlan(tenants[row["tenant_id"]], row["events"]) for row in counted]


def events_replay(
    *,
    subscriber: str,
    since: datetime,
    until: datetime | None = None,
    tenant_slug: str = "",
    rebuild: bool = False,
) -> list[EventReplay]:
    """Request that the relay delivers stored events of [since, until) again; return the requests.

    One for each active workspace that has such events, in one transaction with their audit entries.
    `until` is now by default. With `rebuild` the subscriber's hook first forgets what these events
    left behind. Raises what `replay_preview` raises, ReplayRefused without such a hook, and
    ReplayUnderWay when a workspace's replay of this subscriber has not ended; then nothing is
    requested. Asked again after its end, it replays again, which handlers must not mind.
    """
    found = _subscriber(subscriber)
    if rebuild and found.rebuild is None:
        raise ReplayRefused(f"{subscriber} has nothing to rebuild; replay it without.")
    until = _span_end(since, until)
    plans = replay_preview(subscriber=subscriber, since=since, until=until, tenant_slug=tenant_slug)
    now = timezone.now()
    rows = [
        EventReplay(
            tenant_id=plan.tenant.id,
            subscriber=subscriber,
            since=since,
            until=until,
            is_rebuild=rebuild,
            is_holding=not found.is_urgent,
            requested_at=now,
            turn_at=now,
        )
        for plan in plans
    ]
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        made = _requests_store(rows)
        _request_record(
            subscriber, since, until, rebuild=rebuild, tenants=[r.tenant_id for r in made]
        )
    return made


def _requests_store(rows: list[EventReplay]) -> list[EventReplay]:
    """Store the requests; raises ReplayUnderWay when a pair has an open one."""
    EventReplay.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    stored = set(
        EventReplay.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
    )
    if len(stored) < len(rows):
        raise ReplayUnderWay(workspaces=len(rows) - len(stored))
    return rows


def _request_record(
    subscriber: str, since: datetime, until: datetime, *, rebuild: bool, tenants: list[UUID]
) -> None:
    """Record the request in each workspace's chain and in the platform's own."""
    data: dict[str, Fact] = {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "rebuild": rebuild,
    }
    for tenant_id in (*sorted(tenants), None):
        act_record(
            act=Act.EVENTS_REPLAYED,
            target_kind="subscriber",
            target_id=subscriber,
            data=data if tenant_id else {**data, "workspaces": len(tenants)},
            tenant_id=tenant_id,
        )


def replay_cancel(*, subscriber: str, tenant_slug: str = "") -> int:
    """End the open replays of a subscriber where they are; return how many there were.

    What they planned anew is dropped, what waited for its first delivery goes back in line. What
    `rebuild` made forget stays forgotten until it is replayed. Idempotent. Raises as
    `replay_preview` does.
    """
    _subscriber(subscriber)
    tenants = [tenant.id for tenant in _tenants(tenant_slug)]
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        rows = list(
            EventReplay.objects.select_for_update().filter(
                subscriber=subscriber, tenant_id__in=tenants, state__in=EventReplay.OPEN
            )
        )
        for row in rows:
            _cancel(row)
        for tenant_id in sorted(row.tenant_id for row in rows):
            act_record(
                act=Act.REPLAY_CANCELLED,
                target_kind="subscriber",
                target_id=subscriber,
                tenant_id=tenant_id,
            )
    return len(rows)


def _cancel(row: EventReplay) -> None:
    with connections["platform"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_delivery WHERE replay_id = %s AND state = 'pending' AND reason = %s",
            (row.pk, MARK),
        )
        cursor.execute("UPDATE core_delivery SET replay_id = NULL WHERE replay_id = %s", (row.pk,))
    _ended(row, State.CANCELLED)


def replay_list(*, subscriber: str, tenant_slug: str = "") -> list[EventReplay]:
    """Return the open replays of a subscriber, oldest first; raises as `replay_preview` does."""
    _subscriber(subscriber)
    tenants = [tenant.id for tenant in _tenants(tenant_slug)]
    with tenancy.platform_scope():
        found = EventReplay.objects.filter(
            subscriber=subscriber, tenant_id__in=tenants, state__in=EventReplay.OPEN
        )
        return list(found.order_by("requested_at", "pk"))


def replay_progress(replay_ids: Sequence[UUID]) -> list[ReplayProgress]:
    """Return how far these replays are, in the order of their ids."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, state, planned, (SELECT count(*) FROM core_delivery d "
            "WHERE d.replay_id = r.id AND d.state = 'pending'), failed, reason "
            "FROM core_eventreplay r WHERE id = ANY(%s) ORDER BY id",
            (list(replay_ids),),
        )
        return [ReplayProgress(row[0], State(row[1]), *row[2:]) for row in cursor.fetchall()]


def days_gone(since: datetime) -> list[date]:
    """Return the UTC days from `since` to today whose events are not, or no longer, stored."""
    today = timezone.now().astimezone(UTC).date()
    first = since.astimezone(UTC).date()
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(
            "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'core_outboxevent'::regclass"
        )
        stored = {row[0] for row in cursor.fetchall()}
    days = (first + timedelta(days=n) for n in range((today - first).days + 1))
    return [day for day in days if day not in stored]


def _subscriber(name: str) -> Subscriber:
    found = subscriber_get(name)
    if found is None:
        raise SubscriberUnknown(f"No subscriber is named {name!r}.")
    return found


def _span_end(since: datetime, until: datetime | None) -> datetime:
    now = timezone.now()
    if since >= now or (until and until > now):
        raise ReplayRefused("A replay cannot reach into the future.")
    if until and until <= since:
        raise ReplayRefused("The span ends before it begins.")
    return until or now


def _tenants(slug: str) -> list[TenantContext]:
    found = [t for t in directory.tenants_active() if not slug or t.slug == slug]
    if slug and not found:
        raise NotFound(f"There is no active workspace {slug!r}.")
    return found


# --- the relay's side

Attempt = Callable[[Sequence[tuple[DeliveryKey, bool]], TenantContext], int]


def replays_open() -> bool:
    """Return whether a replay has not ended; then no partition is dropped."""
    with tenancy.platform_scope():
        return EventReplay.objects.filter(state__in=EventReplay.OPEN).exists()


def replays_advance(attempt: Attempt) -> int:
    """Give the open replays that waited longest a turn each; return how many moved.

    `attempt` delivers keys, each with whether it is to be alone in its transaction. Call it from
    one place at a time: that none is overtaken rests on first deliveries not running meanwhile.
    """
    with tenancy.platform_scope():
        rows = list(
            EventReplay.objects.filter(state__in=EventReplay.OPEN).order_by("turn_at", "pk")[
                :REPLAYS_AT_ONCE
            ]
        )
        EventReplay.objects.filter(pk__in=[row.pk for row in rows]).update(turn_at=timezone.now())
    return sum(_turn(row, attempt) for row in rows)


def _turn(row: EventReplay, attempt: Attempt) -> bool:
    """Carry one replay on for a quarter of a second; return whether it moved."""
    tenant = directory.tenant_by_id(row.tenant_id)
    found = subscriber_get(row.subscriber)
    if tenant is None or found is None:
        return False  # suspended, or an older release: it waits until both are there
    try:
        if row.state == State.REQUESTED:
            return _begin(row, tenant, found)
        if row.state == State.PLANNING:
            return _plan(row, found)
        return _deliver(row, tenant, attempt)
    except (DatabaseError, InterfaceError):
        log.exception("replay_turn_failed", replay=str(row.pk))
        return False  # whatever the turn did is undone; the next one repeats it


def _begin(row: EventReplay, tenant: TenantContext, found: Subscriber) -> bool:
    """Forget what is to come again, then take in what waits; False while earlier events are due."""
    pair = (row.tenant_id, row.subscriber)
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(_DUE_BEFORE, (*pair, row.since))
        if cursor.fetchone()[0]:
            return False
    if row.is_rebuild and not _forgotten(row, tenant, found):
        return True
    with _short_waits(), connections["platform"].cursor() as cursor:
        cursor.execute(_WATERMARK, {"replay": row.pk})
        cursor.execute(_JOIN, {"replay": row.pk})
        planned = cursor.fetchone()[0]
        EventReplay.objects.filter(pk=row.pk).update(planned=planned)
    return True


def _forgotten(row: EventReplay, tenant: TenantContext, found: Subscriber) -> bool:
    """Run the subscriber's hook; one that fails ends the replay with its reason."""
    if found.rebuild is None:
        _failed(row, "The subscriber has no rebuild any more.")
        return False
    try:
        with tenancy.tenant_scope(tenant), transaction.atomic():
            found.rebuild(row.since, row.until)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.exception("replay_rebuild_failed", replay=str(row.pk), subscriber=row.subscriber)
        _failed(row, f"The rebuild failed with {type(error).__name__}.")
        return False
    return True


def _plan(row: EventReplay, found: Subscriber) -> bool:
    """Plan chunks until the turn is over; the last one opens the deliveries."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until and _plan_chunk(row.pk, found):
        continue
    return True


def _plan_chunk(replay_id: UUID, found: Subscriber) -> bool:
    """Plan the next events behind the cursor and move it, in one transaction; False at the end."""
    with _short_waits():
        row = EventReplay.objects.select_for_update().get(pk=replay_id)
        if row.state != State.PLANNING:
            return False  # cancelled meanwhile
        planned, seen, cursor_at, cursor_id = _chunk_store(row, found)
        row.planned += planned
        row.cursor_at, row.cursor_id = cursor_at or row.cursor_at, cursor_id or row.cursor_id
        row.state = State.PLANNING if seen == CHUNK else State.DELIVERING
        row.save(update_fields=["planned", "cursor_at", "cursor_id", "state"])
    return row.state == State.PLANNING


def _chunk_store(row: EventReplay, found: Subscriber) -> tuple[Any, ...]:
    """Return how many deliveries were planned, how many events seen, and the last one's place."""
    values = {
        "replay": row.pk,
        "names": found.event_names,
        "cursor_at": row.cursor_at,
        "cursor_id": row.cursor_id,
        "until": row.until,
        "limit": CHUNK,
        "mark": MARK,
    }
    return _execute(_PLAN, values)[0]


def _deliver(row: EventReplay, tenant: TenantContext, attempt: Attempt) -> bool:
    """Deliver in order until the turn is over; what nothing is left of is done."""
    until = time.monotonic() + TURN_SECONDS
    tried = None
    while time.monotonic() < until:
        due = _execute(_NEXT, {"replay": row.pk, "limit": TOGETHER})
        if not due:
            _ended(row, State.DONE)
            return True
        if due[0][0] == tried:
            return False  # somebody holds it, or its connection broke: the next turn tries again
        tried = due[0][0]
        attempt([(DeliveryKey(found[0], found[1]), found[2]) for found in due], tenant)
    return True


def _failed(row: EventReplay, reason: str) -> None:
    row.reason = reason
    _ended(row, State.FAILED)


def _ended(row: EventReplay, state: EventReplay.State) -> None:
    with tenancy.platform_scope():
        EventReplay.objects.filter(pk=row.pk, state__in=EventReplay.OPEN).update(
            state=state, reason=row.reason, finished_at=timezone.now()
        )


@contextmanager
def _short_waits() -> Iterator[None]:
    """Open a transaction of the platform's that would rather be repeated than wait for a lock."""
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        with connections["platform"].cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        yield


def _execute(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
