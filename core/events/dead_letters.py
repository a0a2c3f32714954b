"""Look at dead letters and put them back in line, in the scope of a tenant or of the platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.db.router import database_alias
from core.events.models import DeadLetter, Delivery, OutboxEvent
from core.events.outbox import CHANNEL

# What is put back stands before newer events, so a flood of it would delay them.
REDRIVE_LIMIT: Final = 1000


def dead_letter_list(
    *,
    ids: Collection[int] | None = None,
    subscriber: str = "",
    tenant_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[DeadLetter]:
    """Return the dead letters of the scope that fit, newest first; times are of their events."""
    chosen: dict[str, Any] = {
        "pk__in": ids,
        "subscriber": subscriber or None,
        "tenant_id": tenant_id,
        "occurred_at__gte": since,
        "occurred_at__lt": until,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return DeadLetter.objects.filter(**given).order_by("-pk")


def dead_letter_event(letter: DeadLetter) -> OutboxEvent | None:
    """Return the event that could not be delivered."""
    return OutboxEvent.objects.filter(pk=letter.event_seq, occurred_at=letter.occurred_at).first()


def dead_letters_redrive(
    *,
    ids: Collection[int] | None = None,
    subscriber: str = "",
    tenant_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Put the dead letters that fit back in line with fresh attempts; return how many.

    The oldest 1,000 at most, so call again for more. In one transaction with an entry in each
    concerned workspace's audit log. Idempotent: what is back in line is a dead letter no more.
    """
    found = dead_letter_list(
        ids=ids, subscriber=subscriber, tenant_id=tenant_id, since=since, until=until
    )
    alias = database_alias()
    with transaction.atomic(using=alias):
        rows = list(
            found.order_by("pk")
            .select_for_update(skip_locked=True)
            .values_list("pk", "occurred_at", "tenant_id")[:REDRIVE_LIMIT]
        )
        Delivery.objects.filter(
            pk__in=[row[0] for row in rows], occurred_at__in={row[1] for row in rows}
        ).update(
            state=Delivery.State.PENDING,
            attempts=0,
            strikes=0,
            replay_id=None,
            next_attempt_at=timezone.now(),
            finished_at=None,
        )
        with connections[alias].cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
        _record(Counter(row[2] for row in rows), subscriber)
    return len(rows)


def _record(counts: Counter[UUID], subscriber: str) -> None:
    """Record in each workspace's chain; the platform's own acts are in its chain as well."""
    chains: list[tuple[UUID | None, int]] = [(key, counts[key]) for key in sorted(counts)]
    if tenancy.current() is None and counts:
        chains.append((None, counts.total()))
    for tenant_id, count in chains:
        act_record(
            act=Act.DEAD_LETTERS_REDRIVEN,
            target_kind="subscriber",
            target_id=subscriber,
            data={"count": count},
            tenant_id=tenant_id,
        )
