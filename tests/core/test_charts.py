"""Bar charts: geometry that stays inside its box, whatever the numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts import BAR_WIDEST, HEIGHT, WIDTH, bar_chart, scale_top


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 40), (41, 100), (1001, 2000)]
)
def test_scale_ends_at_a_round_number(largest: int, top: int) -> None:
    assert scale_top(largest) == top


def test_stacked_segments_sit_on_each_other() -> None:
    chart = bar_chart(["Mon"], [("AI", [3]), ("People", [1])])
    lower, upper = chart.bars[0].segments
    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y))
    assert (lower.series, upper.series) == (1, 2)
    assert chart.bars[0].text == "AI 3, People 1"


def test_zero_draws_nothing() -> None:
    assert bar_chart(["Mon"], [("AI", [0])]).bars[0].segments == ()


def test_labels_are_spread_with_first_and_last() -> None:
    labels = [str(day) for day in range(1, 32)]
    chart = bar_chart(labels, [("AI", [0] * 31)])
    assert len(chart.labels) == 5
    assert (chart.labels[0], chart.labels[-1]) == ("1", "31")


def test_few_bars_stay_slender_and_each_has_its_label() -> None:
    chart = bar_chart(["Mon"], [("AI", [3])])
    (only,) = chart.bars[0].segments
    assert float(only.width) == BAR_WIDEST
    assert float(only.x) + BAR_WIDEST / 2 == WIDTH / 2
    assert chart.is_each_labelled
    assert not bar_chart([str(day) for day in range(31)], [("AI", [0] * 31)]).is_each_labelled


def test_empty_chart_is_a_chart() -> None:
    assert bar_chart([], [("AI", [])]).bars == ()


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=60))
def test_bars_stay_in_the_box(rows: list[tuple[int, int]]) -> None:
    series = [("a", [row[0] for row in rows]), ("b", [row[1] for row in rows])]
    chart = bar_chart([str(index) for index in range(len(rows))], series)
    for bar in chart.bars:
        for part in bar.segments:
            assert 0 <= float(part.x) <= float(part.x) + float(part.width) <= WIDTH + 0.01
            assert -0.01 <= float(part.y) <= float(part.y) + float(part.height) <= HEIGHT + 0.02
