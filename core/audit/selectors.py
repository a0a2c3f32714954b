"""Reads of the audit log of the current tenant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from core import tenancy
from core.audit.models import AuditCheckpoint, AuditEntry
from core.audit.types import Act


def entry_list(
    *,
    act: Act | None = None,
    actor_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Return entries of the current tenant's chain, newest first, without their hashes."""
    chosen = {
        "act": act.value if act else None,
        "actor_id": actor_id,
        "occurred_at__gte": since,
        "occurred_at__lt": until,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    mine = AuditEntry.objects.filter(tenant_id=tenancy.require().id, **given)
    return mine.order_by("-seq").defer("hash")


def checkpoint_latest() -> AuditCheckpoint | None:
    """Return the newest signed checkpoint of the current tenant's chain."""
    mine = AuditCheckpoint.objects.filter(tenant_id=tenancy.require().id)
    return mine.order_by("-seq").first()
