"""Carry out deliveries: claim the rows, run the handlers, record the outcomes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from core import tenancy
from core.events.catalogue import event_decode
from core.events.models import Delivery, OutboxEvent
from core.events.registry import StoredEvent, subscriber_get
from core.observability.metrics import outbox_deliveries_total, retry_total

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
    jitter, then it is a dead letter. Losing the connection leaves all of them pending.
    """
    with tenancy.tenant_scope(tenant), transaction.atomic():
        claimed = _claim(keys)
        events = _events_of(claimed)
        done = [delivery for delivery in claimed if _delivered(delivery, events)]
        _rows_of(done).update(
            state=Delivery.State.DONE, finished_at=timezone.now(), attempts=F("attempts") + 1
        )
    return len(done)


def _claim(keys: Sequence[DeliveryKey]) -> list[Delivery]:
    """Return the rows that are ours now, in the order asked for."""
    free = Delivery.objects.select_for_update(skip_locked=True).filter(
        pk__in=[key.id for key in keys],
        occurred_at__in={key.occurred_at for key in keys},
        state=Delivery.State.PENDING,
    )
    places = {key.id: place for place, key in enumerate(keys)}
    return sorted(free, key=lambda delivery: places[delivery.pk])


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
        with transaction.atomic():
            _handle(delivery, events)
    except (OperationalError, InterfaceError):
        raise  # the connection is gone, and with it the savepoint; the relay tries again
    except Exception as error:
        log.exception("event_delivery_failed", delivery=delivery.pk, subscriber=delivery.subscriber)
        _failure_record(delivery, error)
        return False
    outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="done").inc()
    return True


def _handle(delivery: Delivery, events: Mapping[int, OutboxEvent]) -> None:
    found = subscriber_get(delivery.subscriber)
    if found is None:
        raise LookupError(f"No subscriber is named {delivery.subscriber}.")
    row = events[delivery.event_seq]
    event = event_decode(row.name, row.payload)
    found.handler(StoredEvent(row.event_id, row.tenant_id, event, row.occurred_at))


def _failure_record(delivery: Delivery, error: Exception) -> None:
    retry_total.labels(component="events").inc()
    outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="failed").inc()
    _rows_of([delivery]).update(**_outcome(delivery.attempts, error))


def _outcome(attempts: int, error: Exception) -> dict[str, Any]:
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


def redrive(delivery_ids: list[int]) -> int:
    """Put dead letters back in line with fresh attempts; returns how many. Platform scope."""
    dead = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.DEAD)
    return dead.update(
        state=Delivery.State.PENDING, attempts=0, next_attempt_at=timezone.now(), finished_at=None
    )
