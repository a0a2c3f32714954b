"""Office hours across days, holidays, midnight and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.hours import HoursInvalid, OfficeHours, holidays_parse, week_parse

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def hours(*lines: str, holidays: tuple[str, ...] = ()) -> OfficeHours:
    return OfficeHours(zone=BERLIN, week=week_parse(lines), holidays=holidays_parse(holidays))


WEEKDAYS = hours("mon-fri 09:00-12:00, 13:00-17:00")  # 2026-12-04 is a Friday


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-12-04T08:59:59", False),
        ("2026-12-04T09:00", True),
        ("2026-12-04T12:00", False),
        ("2026-12-04T13:00", True),
        ("2026-12-04T17:00", False),
        ("2026-12-05T10:00", False),
    ],
)
def test_is_open_from_the_first_to_before_the_last_moment(moment: str, is_open: bool) -> None:
    assert WEEKDAYS.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-12-04T08:00", "2026-12-04T09:00"),
        ("2026-12-04T10:30", "2026-12-04T10:30"),
        ("2026-12-04T12:30", "2026-12-04T13:00"),
        ("2026-12-04T18:00", "2026-12-07T09:00"),
    ],
)
def test_opens_at_the_next_span_or_now(moment: str, opens: str) -> None:
    assert WEEKDAYS.opens_at(at(moment)) == at(opens)


def test_holidays_are_closed() -> None:
    closed = hours("mon-fri 09:00-17:00", holidays=("2026-12-04", "2026-12-07"))
    assert not closed.is_open(at("2026-12-04T10:00"))
    assert closed.opens_at(at("2026-12-04T10:00")) == at("2026-12-08T09:00")


def test_without_hours_the_team_is_always_there() -> None:
    always, now = OfficeHours(), datetime.now(UTC)
    assert always.is_open(now)
    assert always.opens_at(now) == now
    assert always.due(now, 60) == now + timedelta(seconds=60)
    assert always.elapsed(now, now + timedelta(seconds=60)) == 60


def test_who_is_closed_for_longer_than_a_year_never_opens() -> None:
    days = [(datetime(2026, 1, 1) + timedelta(days=day)).date() for day in range(800)]
    never = OfficeHours(zone=BERLIN, week=week_parse(["mon-sun 09:00-17:00"]),
                        holidays=frozenset(days))  # fmt: skip
    assert never.opens_at(at("2026-02-01T10:00")) is None
    assert never.due(at("2026-02-01T10:00"), 60) is None


def test_due_counts_open_time_only() -> None:
    assert WEEKDAYS.due(at("2026-12-04T11:30"), HOUR) == at("2026-12-04T13:30")
    assert WEEKDAYS.due(at("2026-12-04T16:30"), HOUR) == at("2026-12-07T09:30")
    assert WEEKDAYS.due(at("2026-12-05T11:00"), HOUR) == at("2026-12-07T10:00")
    assert WEEKDAYS.due(at("2026-12-04T16:00"), HOUR) == at("2026-12-04T17:00")


def test_elapsed_counts_open_time_only() -> None:
    assert WEEKDAYS.elapsed(at("2026-12-04T11:00"), at("2026-12-04T14:00")) == 2 * HOUR
    assert WEEKDAYS.elapsed(at("2026-12-04T16:00"), at("2026-12-07T10:00")) == 2 * HOUR
    assert WEEKDAYS.elapsed(at("2026-12-05T00:00"), at("2026-12-06T00:00")) == 0


def test_a_night_shift_goes_over_midnight_in_two_lines() -> None:
    night = hours("fri 22:00-24:00", "sat 00:00-06:00")
    assert night.is_open(at("2026-12-04T23:59:59"))
    assert night.is_open(at("2026-12-05T00:00"))
    assert night.elapsed(at("2026-12-04T20:00"), at("2026-12-05T12:00")) == 8 * HOUR


def test_nine_stays_nine_when_the_clocks_change() -> None:
    """On 2026-10-25 the clocks of Berlin go back an hour, on 2026-03-29 forward."""
    daily = hours("mon-sun 00:00-24:00")
    assert daily.elapsed(at("2026-10-25T00:00"), at("2026-10-26T00:00")) == 25 * HOUR
    assert daily.elapsed(at("2026-03-29T00:00"), at("2026-03-30T00:00")) == 23 * HOUR
    nine = hours("mon-sun 09:00-17:00")
    assert nine.opens_at(at("2026-10-24T18:00")) == at("2026-10-25T09:00")
    assert nine.opens_at(at("2026-10-25T18:00")) == at("2026-10-26T09:00")


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    seconds=st.integers(1, 400_000),
)
def test_due_and_elapsed_agree(start: datetime, seconds: int) -> None:
    due = WEEKDAYS.due(start, seconds)
    assert due is not None
    assert WEEKDAYS.elapsed(start, due) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "monday 09:00-17:00",
        "mon",
        "mon 9-17",
        "mon 09:00-25:00",
        "mon 09:60-17:00",
        "mon 17:00-09:00",
        "mon 09:00-09:00",
        "mon-xyz 09:00-17:00",
        "mon 09:00-17:00;",
    ],
)
def test_line_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(HoursInvalid):
        week_parse([line])


def test_overlapping_hours_are_refused() -> None:
    with pytest.raises(HoursInvalid, match="overlap"):
        week_parse(["mon-fri 09:00-17:00", "wed 16:00-20:00"])


def test_days_may_go_over_the_end_of_the_week() -> None:
    assert sorted(week_parse(["sat-mon 10:00-12:00"])) == [0, 5, 6]


@pytest.mark.parametrize("line", ["", "2026-02-30", "25.12.2026", "christmas"])
def test_holiday_that_is_no_day_is_refused(line: str) -> None:
    with pytest.raises(HoursInvalid):
        holidays_parse([line])
