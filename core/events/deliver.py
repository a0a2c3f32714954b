"""Carry out deliveries: claim the rows, run the handlers, record the outcomes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import CharField, F, Func, QuerySet, Value
from django.utils import timezone

from core import tenancy
from core.events import hands
from core.events.alarm import alarm_set
from core.events.catalogue import event_decode
from core.events.models import Delivery, EventReplay, OutboxEvent
from core.events.registry import Later, StoredEvent, subscriber_get
from core.observability.metrics import outbox_deliveries_total, retry_total

POSTPONED = "not yet"
RETRY_SECONDS = (1, 5, 25)
JITTER = 0.2
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """Where a delivery is: its id, and the time that tells Postgres which partition to look in."""

    id: int
    occurred_at: datetime


def delivery_attempt(key: DeliveryKey, tenant: tenancy.TenantContext) -> int:
    """Deliver one, as `deliveries_attempt` does."""
    return deliveries_attempt([key], tenant)


def deliveries_attempt(keys: Sequence[DeliveryKey], tenant: tenancy.TenantContext) -> int:
    """Deliver those still pending that nobody else holds, in order; returns how many are done.

    One transaction for all, a savepoint for each: a handler's writes and its row's outcome commit
    together. A failure undoes its handler alone and is retried after 1, 5 and 25 seconds with
    jitter, then it is a dead letter. A statement, or a pause between two, of more than
    `hands.HANDLER_SECONDS` is ended by Postgres. What undoes them all, a lost connection or a
    commit that a deferred constraint refuses, or a handler that ends its process, leaves all
    pending, is written down (`_strike`) and raised.
    """
    in_hand: list[Delivery] = []
    try:
        return _attempt(keys, tenant, in_hand)
    except (Exception, SystemExit) as error:
        if in_hand and not hands.is_given_up():
            _strike(in_hand, tenant, error)
        raise


def _attempt(
    keys: Sequence[DeliveryKey], tenant: tenancy.TenantContext, in_hand: list[Delivery]
) -> int:
    with tenancy.tenant_scope(tenant), transaction.atomic():
        claimed = _claim(keys)
        events = _events_of(claimed)
        done = []
        for delivery in claimed:
            in_hand[:] = [delivery]
            if _delivered(delivery, events):
                done.append(delivery)
        in_hand[:] = done
        _rows_of(done).update(
            state=Delivery.State.DONE, finished_at=timezone.now(), attempts=F("attempts") + 1
        )
    return len(done)


def _claim(keys: Sequence[DeliveryKey]) -> list[Delivery]:
    """Return the rows that are ours now, in the order asked for, and bound the transaction."""
    free = Delivery.objects.select_for_update(skip_locked=True).filter(
        pk__in=[key.id for key in keys],
        occurred_at__in={key.occurred_at for key in keys},
        state=Delivery.State.PENDING,
    )
    bounded = free.annotate(
        statement=_bound("statement_timeout"), pause=_bound("idle_in_transaction_session_timeout")
    )
    places = {key.id: place for place, key in enumerate(keys)}
    return sorted(bounded, key=lambda delivery: places[delivery.pk])


def _bound(setting: str) -> Func:
    """Return the call that bounds this transaction; within the claim it costs no round trip."""
    limit = Value(f"{hands.HANDLER_SECONDS}s")
    return Func(Value(setting), limit, Value(True), function="set_config", output_field=CharField())


def _rows_of(deliveries: Sequence[Delivery]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries],
        occurred_at__in={delivery.occurred_at for delivery in deliveries},
    )


def _events_of(deliveries: Sequence[Delivery]) -> dict[int, OutboxEvent]:
    return {
        row.pk: row
        for row in OutboxEvent.objects.filter(
            pk__in={delivery.event_seq for delivery in deliveries},
            occurred_at__in={delivery.occurred_at for delivery in deliveries},
        )
    }


def _delivered(delivery: Delivery, events: Mapping[int, OutboxEvent]) -> bool:
    """Run the handler in a savepoint; a failure is recorded on the row, and False returned."""
    try:
        with hands.holding(delivery.pk, delivery.occurred_at, _session()), transaction.atomic():
            _handle(delivery, events)
    except Later as later:
        _postpone(delivery, later.seconds)
        return False
    except Exception as error:
        if _is_connection_lost():
            raise  # and with it the savepoint
        log.exception("event_delivery_failed", delivery=delivery.pk, subscriber=delivery.subscriber)
        _failure_record(delivery, error)
        return False
    outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="done").inc()
    return True


def _session() -> int:
    """Return the number of this thread's session; 0 behind a pooler, which makes numbers up."""
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return 0
    return int(connection.connection.info.backend_pid)


def session_end(session: int) -> None:
    """End a session of our own role, whatever its handler is doing there."""
    with tenancy.public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid = %s AND usename = current_user AND pid <> pg_backend_pid()",
            (session,),
        )


def _is_connection_lost() -> bool:
    """Return whether the session is gone; a cancelled statement or a deadlock leaves it."""
    session = connection.connection
    return session is None or session.closed


def _handle(delivery: Delivery, events: Mapping[int, OutboxEvent]) -> None:
    found = subscriber_get(delivery.subscriber)
    if found is None:
        raise LookupError(f"No subscriber is named {delivery.subscriber}.")
    row = events.get(delivery.event_seq)
    if row is None:
        raise LookupError("The event is not stored any more.")
    event = event_decode(row.name, row.payload)
    found.handler(StoredEvent(row.event_id, row.tenant_id, event, row.occurred_at))


def _postpone(delivery: Delivery, seconds: float) -> None:
    """Note when the handler wants to be called again: by this process, or else by the relay.

    With a reason on its row the delivery has given up its place in the tenant's order.
    """
    due_at = timezone.now() + timedelta(seconds=seconds)
    _rows_of([delivery]).update(next_attempt_at=due_at, replay_id=None, reason=POSTPONED)
    key = DeliveryKey(delivery.pk, delivery.occurred_at)
    again = partial(delivery_attempt, key, tenancy.require())
    transaction.on_commit(partial(alarm_set, seconds, again))


def _failure_record(delivery: Delivery, error: BaseException) -> None:
    """Count a failed attempt; a replay's delivery leaves it and is retried like any other."""
    retry_total.labels(component="events").inc()
    outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="failed").inc()
    _rows_of([delivery]).update(**_outcome(delivery.attempts, error), replay_id=None)
    if delivery.replay_id:
        EventReplay.objects.filter(pk=delivery.replay_id).update(failed=F("failed") + 1)


def _outcome(attempts: int, error: BaseException) -> dict[str, Any]:
    """Return the columns after a failed attempt; the reason names the error, not its data."""
    reason = f"{type(error).__name__}: {error}"[:500]
    if attempts >= len(RETRY_SECONDS):
        dead = {"state": Delivery.State.DEAD, "finished_at": timezone.now()}
        return {**dead, "attempts": attempts + 1, "reason": reason}
    delay = RETRY_SECONDS[attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return {
        "attempts": attempts + 1,
        "next_attempt_at": timezone.now() + timedelta(seconds=delay),
        "reason": reason,
    }


def _strike(
    in_hand: Sequence[Delivery], tenant: tenancy.TenantContext, error: BaseException
) -> None:
    """Write down that a transaction was lost with these in hand: the one at work, or all to commit.

    It need not be their fault, for Postgres may have restarted: the first time they keep their
    place, and are alone in their transactions from then on. After that it is a failed attempt.
    """
    keys = [DeliveryKey(delivery.pk, delivery.occurred_at) for delivery in in_hand]
    try:
        with tenancy.tenant_scope(tenant), transaction.atomic():
            rows = _claim(keys)
            _rows_of(rows).update(strikes=F("strikes") + 1)
            for row in rows:
                if row.strikes:
                    _failure_record(row, error)
    except (DatabaseError, InterfaceError):
        log.exception("event_strike_lost", deliveries=len(keys))  # Postgres is down altogether


def overdue_record(key: DeliveryKey, tenant: tenancy.TenantContext) -> bool:
    """Count a failed attempt of a delivery whose handler did not come back; False if still held.

    `session_end` comes first; the row is free once Postgres has rolled the session back.
    """
    with tenancy.tenant_scope(tenant), transaction.atomic():
        rows = _claim([key])
        for row in rows:
            _failure_record(row, TimeoutError(f"no answer within {hands.HANDLER_SECONDS} s"))
    return bool(rows)
