"""Office hours: when a team answers, is back, and how much of a span it was there; no Django.

Hours are wall-clock times in the workspace's time zone, so that nine o'clock stays nine o'clock
when the clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON_DAYS: Final = 400  # who is closed for longer than a year is closed
MIDNIGHT: Final = time(0)
_LINE: Final = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(.+)")
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

Span = tuple[time, time]  # an end of midnight is that of the day's end
Week = Mapping[int, tuple[Span, ...]]


class HoursInvalid(ValueError):
    """A line of hours, or a holiday, that cannot be read; its text says which and why."""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """A week's hours with holidays; without any hours the team is always there."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week: Week = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        """Return whether the team is there."""
        return not self.week or any(begin <= at < end for begin, end in self._from(at))

    def opens_at(self, at: datetime) -> datetime | None:
        """Return when the team is there next: `at` itself while it is, None for never."""
        if not self.week:
            return at
        return next((max(begin, at) for begin, _ in self._from(at)), None)

    def due(self, start: datetime, seconds: float) -> datetime | None:
        """Return when so many seconds of office hours after `start` are over; None for never."""
        if not self.week:
            return start + timedelta(seconds=seconds)
        left = timedelta(seconds=seconds)
        for begin, end in self._from(start):
            begin = max(begin, start)
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def elapsed(self, start: datetime, end: datetime) -> float:
        """Return how many seconds of office hours lie between two moments."""
        if not self.week:
            return max(0.0, (end - start).total_seconds())
        total = timedelta()
        for opens, closes in self._from(start):
            if opens >= end:
                break
            total += max(timedelta(), min(closes, end) - max(opens, start))
        return total.total_seconds()

    def _from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the open spans that end after a moment, in order, in UTC."""
        first = at.astimezone(self.zone).date() - timedelta(days=1)
        for ahead in range(HORIZON_DAYS):
            day = first + timedelta(days=ahead)
            if day in self.holidays:
                continue
            for begin, end in self.week.get(day.weekday(), ()):
                span = self._instant(day, begin), self._end(day, end)
                if span[1] > at:
                    yield span

    def _end(self, day: date, end: time) -> datetime:
        return self._instant(day + timedelta(days=1) if end == MIDNIGHT else day, end)

    def _instant(self, day: date, clock: time) -> datetime:
        """Return a wall-clock time in UTC; one that a change of clocks skips is an hour later."""
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def week_parse(lines: Iterable[str]) -> dict[int, tuple[Span, ...]]:
    """Return the week that lines such as `mon-fri 09:00-12:00, 13:00-17:00` say.

    A day in several lines has the hours of all of them. Raises HoursInvalid for what cannot be
    read, ends before it begins, or overlaps.
    """
    week: dict[int, list[Span]] = {}
    for line in lines:
        days, spans = _line_parse(line)
        for day in days:
            week.setdefault(day, []).extend(spans)
    return {day: _ordered(spans) for day, spans in sorted(week.items())}


def holidays_parse(lines: Iterable[str]) -> frozenset[date]:
    """Return the days that lines such as `2026-12-25` name; raises HoursInvalid."""
    return frozenset(_day_parse(line) for line in lines)


def _day_parse(line: str) -> date:
    try:
        return date.fromisoformat(line.strip())
    except ValueError as error:
        raise HoursInvalid(f"“{line}” is no day such as 2026-12-25.") from error


def _line_parse(line: str) -> tuple[list[int], list[Span]]:
    found = _LINE.fullmatch(line.strip().lower())
    if found is None or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise HoursInvalid(f"“{line}” is not such as “mon-fri 09:00-17:00”.")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    count = (last - first) % len(DAYS) + 1
    days = [(first + ahead) % len(DAYS) for ahead in range(count)]
    return days, [_span_parse(part, line) for part in found[3].split(",")]


def _span_parse(part: str, line: str) -> Span:
    found = _SPAN.fullmatch(part.strip())
    if found is None:
        raise HoursInvalid(f"“{line}” has no hours such as 09:00-17:00.")
    begin, end = (_clock(int(found[at]), int(found[at + 1]), line) for at in (1, 3))
    if end != MIDNIGHT and end <= begin:
        raise HoursInvalid(f"“{line}” ends before it begins.")
    return begin, end


def _clock(hour: int, minute: int, line: str) -> time:
    if (hour, minute) == (24, 0):
        return MIDNIGHT
    try:
        return time(hour, minute)
    except ValueError as error:
        raise HoursInvalid(f"“{line}” has a time that is none.") from error


def _ordered(spans: list[Span]) -> tuple[Span, ...]:
    ordered = sorted(spans)
    for (_, end), (begin, _) in pairwise(ordered):
        if end == MIDNIGHT or begin < end:
            raise HoursInvalid("Hours of a day overlap.")
    return tuple(ordered)
