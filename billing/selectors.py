"""Reads of billing. All of them see the current tenant's rows only."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from django.db.models import DateField, Func, QuerySet, Sum
from django.utils import timezone

from billing.errors import PeriodInvalid, PlanUnknown
from billing.models import Plan, Subscription, UsageEntry
from billing.types import DailyUsage, Meter, MeterTotal, Period, UsageReport
from core import tenancy
from tenants.admission import current as limits


class _UtcDay(Func):
    """The UTC day of an instant, whatever the session's time zone."""

    template = "((%(expressions)s) AT TIME ZONE 'UTC')::date"
    output_field = DateField()


def plan_get(*, code: str) -> Plan:
    """Return a plan by its code; raises PlanUnknown."""
    plan = Plan.objects.filter(code=code).first()
    if plan is None:
        raise PlanUnknown(f"There is no plan {code!r}.")
    return plan


def subscription_current() -> Subscription | None:
    """Return the tenant's subscription with its plan, or None before it has begun."""
    return Subscription.objects.select_related("plan").filter(tenant_id=_tenant()).first()


def period_get(name: str) -> Period:
    """Return the period of a name like `2026-11`, the current one for ''; raises PeriodInvalid."""
    if not name:
        return Period.containing(timezone.now().date())
    try:
        first = date.fromisoformat(f"{name}-01")
    except ValueError as error:
        raise PeriodInvalid from error
    # The month before and the month after are shown too, and the calendar ends somewhere.
    if not date.min.year < first.year < date.max.year:
        raise PeriodInvalid
    return Period.containing(first)


def entry_list(*, period: Period | None = None, meter: str = "") -> QuerySet[UsageEntry]:
    """Return ledger entries, newest first, narrowed to a period and a meter where given."""
    entries = UsageEntry.objects.filter(tenant_id=_tenant())
    if period:
        first, after = period.bounds
        entries = entries.filter(occurred_at__gte=first, occurred_at__lt=after)
    return entries.filter(meter=meter) if meter else entries


def quantity_since(meter: str, since: datetime) -> int:
    """Return what the ledger holds of a meter since an instant: what seeds a lost counter."""
    entries = entry_list(meter=meter).filter(occurred_at__gte=since)
    return int(entries.order_by().aggregate(total=Sum("quantity"))["total"] or 0)


def usage_report(*, period: Period) -> UsageReport:
    """Return a period's totals and days from one grouped query over the ledger."""
    rows = (
        entry_list(period=period)
        .order_by()
        .annotate(day=_UtcDay("occurred_at"))
        .values_list("day", "meter")
        .annotate(quantity=Sum("quantity"))
    )
    by_day: dict[date, dict[Meter, int]] = defaultdict(lambda: dict.fromkeys(Meter, 0))
    totals = dict.fromkeys(Meter, 0)
    for day, meter, quantity in rows:
        by_day[day][Meter(meter)] += quantity
        totals[Meter(meter)] += quantity
    allowed = limits_current()
    return UsageReport(
        period=period,
        totals=tuple(MeterTotal(m, totals[m], allowed.get(m)) for m in Meter),
        days=tuple(DailyUsage(day, by_day[day]) for day in period.days),
    )


def limits_current() -> Mapping[str, int]:
    """Return the limits that hold here: the plan's, as pushed down, and defaults for the rest."""
    found = asdict(limits.limits_current())
    return {name: limit for name, limit in found.items() if limit is not None}


def _tenant() -> UUID:
    return tenancy.require().id
