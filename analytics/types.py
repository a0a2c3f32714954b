"""What analytics counts, and the values it hands out."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

MAX_DAYS = 366


class Kind(StrEnum):
    """What kind of activity a fact records."""

    VISITOR_MESSAGE = "visitor_message"
    AI_REPLY = "ai_reply"
    AGENT_REPLY = "agent_reply"
    HANDOVER = "handover"
    RESOLVED = "resolved"


class Metric(StrEnum):
    """A column of the daily activity; the names are part of the public API."""

    CONVERSATIONS = "conversations"
    VISITOR_MESSAGES = "visitor_messages"
    AI_REPLIES = "ai_replies"
    AGENT_REPLIES = "agent_replies"
    HANDOVERS = "handovers"
    RESOLVED = "resolved"


METRIC_OF = {
    Kind.VISITOR_MESSAGE: Metric.VISITOR_MESSAGES,
    Kind.AI_REPLY: Metric.AI_REPLIES,
    Kind.AGENT_REPLY: Metric.AGENT_REPLIES,
    Kind.HANDOVER: Metric.HANDOVERS,
    Kind.RESOLVED: Metric.RESOLVED,
}


@dataclass(frozen=True, slots=True)
class DateRange:
    """Whole days in UTC, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Return every day of the range."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> "DateRange":
        """Return the range of the same length that ends where this one begins."""
        length = self.last - self.first + timedelta(days=1)
        return DateRange(self.first - length, self.last - length)


@dataclass(frozen=True, slots=True)
class ActivityDay:
    """The numbers of one day; a day on which nothing happened is all zero."""

    day: date
    values: dict[Metric, int]


@dataclass(frozen=True, slots=True)
class Card:
    """A headline number with its change against the range before (None: nothing to compare)."""

    metric: Metric
    value: int
    change: float | None


@dataclass(frozen=True, slots=True)
class ActivityReport:
    """The one source of cards, chart, table, CSV and API."""

    range: DateRange
    cards: tuple[Card, ...]
    days: tuple[ActivityDay, ...]
