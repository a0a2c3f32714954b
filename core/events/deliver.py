"""Carry out one delivery: claim the row, run the handler, record the outcome."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from core import tenancy
from core.events.catalogue import event_decode
from core.events.models import Delivery, OutboxEvent
from core.events.registry import StoredEvent, subscriber_get
from core.observability.metrics import outbox_deliveries_total, retry_total

RETRY_SECONDS = (1, 5, 25)
JITTER = 0.2
log = structlog.get_logger(__name__)


def delivery_attempt(delivery_id: int, tenant: tenancy.TenantContext) -> bool:
    """Deliver once if the row is still pending and nobody else holds it; True when it is done.

    The handler's writes and the row's outcome commit together. A failure is recorded in a
    transaction of its own: retried after 1, 5 and 25 seconds with jitter, then a dead letter.
    """
    with tenancy.tenant_scope(tenant):
        try:
            return _deliver(delivery_id)
        except Exception as error:
            log.exception("event_delivery_failed", delivery=delivery_id)
            _failure_record(delivery_id, error)
            return False


def _deliver(delivery_id: int) -> bool:
    with transaction.atomic():
        delivery = _claim(delivery_id)
        if delivery is None:
            return False
        _handle(delivery)
        outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="done").inc()
        Delivery.objects.filter(pk=delivery.pk).update(
            state=Delivery.State.DONE, finished_at=timezone.now(), attempts=delivery.attempts + 1
        )
    return True


def _claim(delivery_id: int) -> Delivery | None:
    pending = Delivery.objects.select_for_update(skip_locked=True)
    return pending.filter(pk=delivery_id, state=Delivery.State.PENDING).first()


def _handle(delivery: Delivery) -> None:
    found = subscriber_get(delivery.subscriber)
    if found is None:
        raise LookupError(f"No subscriber is named {delivery.subscriber}.")
    row = OutboxEvent.objects.get(pk=delivery.event_seq, occurred_at=delivery.occurred_at)
    found.handler(
        StoredEvent(
            row.event_id, row.tenant_id, event_decode(row.name, row.payload), row.occurred_at
        )
    )


def _failure_record(delivery_id: int, error: Exception) -> None:
    with transaction.atomic():
        delivery = _claim(delivery_id)
        if delivery is None:
            return
        retry_total.labels(component="events").inc()
        outbox_deliveries_total.labels(subscriber=delivery.subscriber, outcome="failed").inc()
        Delivery.objects.filter(pk=delivery.pk).update(**_outcome(delivery.attempts, error))


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
