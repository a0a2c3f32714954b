"""Geometry of the server-rendered bar charts; the numbers stand in a table beside.

Pure: values in, strings for SVG attributes out, so that no locale turns a coordinate's point
into a comma. Text stays outside the SVG, where it keeps its size on every screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

WIDTH, HEIGHT = 600, 160
BAR_SHARE = 0.72  # of a slot; the rest is the gap to the next bar
BAR_WIDEST = 60  # a few bars are bars still, not walls


@dataclass(frozen=True, slots=True)
class Segment:
    """One rectangle; `series` counts from 1 and picks the colour."""

    series: int
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of one or more stacked segments and the text that names it."""

    label: str
    text: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars with the top of their scale and the labels below."""

    bars: tuple[Bar, ...]
    series: tuple[str, ...]
    top: int
    labels: tuple[str, ...]
    view_box: str = f"0 0 {WIDTH} {HEIGHT}"

    @property
    def is_each_labelled(self) -> bool:
        """Return whether every bar has its own label below it."""
        return len(self.labels) == len(self.bars)

    @property
    def middle(self) -> str:
        """Return the label of the half-height line."""
        return f"{self.top / 2:g}"


def bar_chart(
    labels: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], *, most_labels: int = 5
) -> BarChart:
    """Return a chart of stacked bars: `series` are (name, one value per label)."""
    columns = list(zip(*(values for _, values in series), strict=True))
    top = scale_top(max((sum(column) for column in columns), default=0))
    slot = WIDTH / max(len(labels), 1)
    names = [name for name, _ in series]
    bars = (
        Bar(label, _text(names, column), _segments(column, index * slot, slot, top))
        for index, (label, column) in enumerate(zip(labels, columns, strict=True))
    )
    return BarChart(tuple(bars), tuple(names), top, _spread(labels, most_labels))


def scale_top(largest: int) -> int:
    """Return the smallest of 4, 10, 20, 40, 100, ... that is no less than `largest`."""
    power = 1
    while True:
        for factor in (4, 10, 20):
            if factor * power >= largest:
                return factor * power
        power *= 10


def _segments(column: Sequence[int], left: float, slot: float, top: int) -> tuple[Segment, ...]:
    ends = list(accumulate(column))
    width = min(slot * BAR_SHARE, BAR_WIDEST)
    x = left + (slot - width) / 2
    return tuple(
        Segment(
            series=number,
            x=f"{x:.2f}",
            y=f"{HEIGHT - HEIGHT * end / top:.2f}",
            width=f"{width:.2f}",
            height=f"{HEIGHT * value / top:.2f}",
        )
        for number, (value, end) in enumerate(zip(column, ends, strict=True), start=1)
        if value
    )


def _text(names: Sequence[str], column: Sequence[int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, column, strict=True))


def _spread(labels: Sequence[str], most: int) -> tuple[str, ...]:
    """Return at most `most` labels, the first and the last among them, evenly spread."""
    if len(labels) <= most:
        return tuple(labels)
    steps = range(most)
    return tuple(labels[round(step * (len(labels) - 1) / (most - 1))] for step in steps)
