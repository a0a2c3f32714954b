"""Write security events: one row an hour for a kind and a subject, counted up."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import connections, transaction
from django.utils import timezone

from core.db.router import database_alias
from core.events import catalogue, publish
from core.identifiers import uuid7
from core.observability.metrics import security_events_total
from tenants.threats.scope import PLATFORM, owner_scope
from tenants.threats.types import SEVERITY, WINDOW, Subject, ThreatKind

log = structlog.get_logger(__name__)
_UPSERT: Final = """
INSERT INTO tenants_securityevent AS known
    (id, tenant_id, kind, severity, subject_kind, subject, network, window_at,
     first_at, last_at, count)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)
ON CONFLICT (tenant_id, kind, subject, window_at)
DO UPDATE SET count = known.count + 1, last_at = EXCLUDED.last_at
RETURNING id, count
"""


def threat_note(*, kind: ThreatKind, subject: Subject) -> UUID:
    """Record what was noticed here and return the event's id; on the platform's host it is its own.

    The first of its hour publishes SecurityEventNoted, from which owners are alerted. Callers are
    about to refuse a request: call it outside the transaction that the refusal rolls back.
    """
    with owner_scope() as owner, transaction.atomic(using=database_alias()):
        event_id, count = _upsert(owner, kind, subject)
        if count == 1 and owner != PLATFORM:
            publish(
                catalogue.SecurityEventNoted(
                    security_event_id=event_id, kind=kind.value, severity=SEVERITY[kind].value
                )
            )
    security_events_total.labels(kind=kind.value).inc()
    log.warning("security_event", kind=kind.value, subject_kind=subject.kind.value, times=count)
    return event_id


def _upsert(owner: UUID, kind: ThreatKind, subject: Subject) -> tuple[UUID, int]:
    now = timezone.now()
    values = (
        uuid7(),
        owner,
        kind.value,
        SEVERITY[kind].value,
        subject.kind.value,
        subject.id,
        subject.network,
        window_start(now),
        now,
        now,
    )
    with connections[database_alias()].cursor() as cursor:
        cursor.execute(_UPSERT, values)
        event_id, count = cursor.fetchone()
    return event_id, count


def window_start(now: datetime) -> datetime:
    """Return the hour that an instant belongs to."""
    seconds = int(WINDOW.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, now.tzinfo)
