"""The current tenant's limits and quotas, from memory: nobody asks billing on the hot path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from core import directory, tenancy
from tenants.admission.limits import Limits, limits_read
from tenants.admission.quota import Quota

# Counted within a day; everything else within a calendar month. Both in UTC.
DAILY: Final = frozenset({"spend_micro_per_day"})
METERED: Final = (
    "messages",
    "ai_replies",
    "tokens_in",
    "tokens_out",
    "runs",
    "documents",
    "storage_bytes",
    "spend_micro",
    "spend_micro_per_day",
)


def limits_current() -> Limits:
    """Return the current tenant's limits, as old as the directory's cache at most."""
    return limits_read(directory.tenant_limits(tenancy.require().id))


def quota_current(meter: str) -> Quota | None:
    """Return the current tenant's quota of a meter in this period; None where it is unlimited."""
    limit: int | None = getattr(limits_current(), meter)
    if limit is None:
        return None
    starts_at, resets_at = period_of(meter, timezone.now())
    return Quota(meter, limit, starts_at, resets_at)


def period_of(meter: str, moment: datetime) -> tuple[datetime, datetime]:
    """Return the period [start, end) in which a meter counts what happens at a moment."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if meter in DAILY:
        return day, day + timedelta(days=1)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)
