"""Periods and limits."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.types import Meter, MeterTotal, Period, limits_faults


def test_period_is_the_calendar_month() -> None:
    period = Period.containing(date(2028, 2, 17))
    assert (period.start, period.end) == (date(2028, 2, 1), date(2028, 3, 1))
    assert period.name == "2028-02"
    assert len(period.days) == 29


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_periods_follow_each_other_without_a_gap(day: date) -> None:
    period = Period.containing(day)
    assert period.start <= day < period.end
    assert period.following.start == period.end
    assert period.previous.end == period.start
    assert period.bounds[1] - period.bounds[0] == timedelta(days=len(period.days))


@pytest.mark.parametrize(
    ("limits", "is_valid"),
    [
        ({}, True),
        ({"messages": 0, "seats": 3}, True),
        ({"messages": -1}, False),
        ({"messages": True}, False),
        ({"messages": 1.5}, False),
        ({"unicorns": 1}, False),
        ([], False),
    ],
)
def test_limits_are_known_names_and_whole_numbers(limits: object, is_valid: bool) -> None:
    assert (limits_faults(limits) == []) is is_valid


def test_share_of_a_limit() -> None:
    assert MeterTotal(Meter.RUNS, 5, 10).share == 0.5
    assert MeterTotal(Meter.RUNS, 5, None).share is None
    assert MeterTotal(Meter.RUNS, 0, 0).share == 1.0
