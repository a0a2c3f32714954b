"""Reads of analytics: only projections, never another app's tables."""

from datetime import date, timedelta

from django.utils import timezone

from analytics.errors import RangeInvalid
from analytics.models import DailyActivity
from analytics.types import MAX_DAYS, ActivityDay, ActivityReport, Card, DateRange, Metric

DEFAULT_DAYS = 30


def range_get(*, first: str = "", last: str = "") -> DateRange:
    """Return the range between two ISO days, the last 30 days for ''; raises RangeInvalid."""
    try:
        end = date.fromisoformat(last) if last else timezone.now().date()
        begin = date.fromisoformat(first) if first else end - timedelta(days=DEFAULT_DAYS - 1)
    except (ValueError, OverflowError) as error:
        raise RangeInvalid from error
    # The range before is shown too, and the calendar begins somewhere.
    if not 0 <= (end - begin).days < MAX_DAYS or (begin - date.min).days < MAX_DAYS:
        raise RangeInvalid
    return DateRange(begin, end)


def activity_report(*, within: DateRange) -> ActivityReport:
    """Return days and headline numbers, compared with the range before.

    One query. Every number of the page, the CSV and the API comes from this value.
    """
    before = within.before
    rows = DailyActivity.objects.filter(day__gte=before.first, day__lte=within.last)
    known = {row.day: {metric: getattr(row, metric) for metric in Metric} for row in rows}
    empty = dict.fromkeys(Metric, 0)
    days = tuple(ActivityDay(day, known.get(day, empty)) for day in within.days)
    earlier = [known.get(day, empty) for day in before.days]
    return ActivityReport(within, tuple(_card(m, days, earlier) for m in Metric), days)


def _card(metric: Metric, days: tuple[ActivityDay, ...], earlier: list[dict[Metric, int]]) -> Card:
    value = sum(day.values[metric] for day in days)
    previous = sum(values[metric] for values in earlier)
    return Card(metric, value, (value - previous) / previous if previous else None)
