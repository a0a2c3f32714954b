"""Meters, periods and the values billing hands out."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from tenants.admission.limits import limits_faults as limits_faults


class Meter(StrEnum):
    """What is counted. Names are part of the public API and of every invoice: never rename one."""

    MESSAGES = "messages"
    AI_REPLIES = "ai_replies"
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    SPEND_MICRO = "spend_micro"
    RUNS = "runs"
    DOCUMENTS = "documents"
    STORAGE_BYTES = "storage_bytes"


class SubscriptionState(StrEnum):
    """Where a subscription stands; an expired trial degrades the service, it deletes nothing."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Usage:
    """A quantity for a meter, and whom it is about (a conversation, run or document)."""

    meter: Meter
    quantity: int
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month in UTC: the first day, and the first day after it."""

    start: date
    end: date

    @classmethod
    def containing(cls, day: date) -> "Period":
        """Return the month that `day` lies in."""
        start = day.replace(day=1)
        return cls(start, start + timedelta(days=monthrange(day.year, day.month)[1]))

    @property
    def name(self) -> str:
        """Return the period as `2026-11`."""
        return f"{self.start:%Y-%m}"

    @property
    def previous(self) -> "Period":
        return Period.containing(self.start - timedelta(days=1))

    @property
    def following(self) -> "Period":
        return Period.containing(self.end)

    @property
    def days(self) -> list[date]:
        """Return every day of the period."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return the instants [from, to) of the period."""
        return (
            datetime.combine(self.start, time.min, tzinfo=UTC),
            datetime.combine(self.end, time.min, tzinfo=UTC),
        )


@dataclass(frozen=True, slots=True)
class MeterTotal:
    """A meter's total in a period beside the plan's limit (None: unlimited)."""

    meter: Meter
    quantity: int
    limit: int | None

    @property
    def share(self) -> float | None:
        """Return the used share of the limit, or None where there is no limit."""
        if self.limit is None:
            return None
        return self.quantity / self.limit if self.limit else 1.0


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """The quantities of one day, by meter; a meter without usage is 0."""

    day: date
    quantities: dict[Meter, int]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A period's totals and days: the one source of the page, the CSV and the API."""

    period: Period
    totals: tuple[MeterTotal, ...]
    days: tuple[DailyUsage, ...]
