"""Percentages and variants by hash: stable, even, and moved as little as can be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.flags.assignment import fraction, is_within, variant_pick
from tenants.flags.types import Variant

SUBJECTS = [f"visitor-{number}" for number in range(20_000)]


def picks(*weights: float) -> dict[str, str]:
    variants = [Variant(f"v{place}", weight) for place, weight in enumerate(weights)]
    return {subject: variant_pick("flag", subject, variants) for subject in SUBJECTS}


def moved(before: dict[str, str], after: dict[str, str]) -> Counter[tuple[str, str]]:
    return Counter((before[s], after[s]) for s in SUBJECTS if before[s] != after[s])


@given(st.text(max_size=40), st.text(max_size=40))
def test_fraction_is_in_range_and_the_same_each_time(flag: str, subject: str) -> None:
    assert 0 <= fraction(flag, subject) < 1
    assert fraction(flag, subject) == fraction(flag, subject)


def test_fraction_is_pinned() -> None:
    """A change of the hash would put every visitor into another group."""
    assert fraction("percent", "widget_greeting", "abc") == pytest.approx(0.0922033, abs=1e-7)


def test_parts_are_told_apart() -> None:
    assert fraction("ab", "c") != fraction("a", "bc")


@given(st.text(max_size=20), st.floats(0, 100), st.floats(0, 100))
def test_whoever_is_within_stays_when_the_percentage_grows(
    subject: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert is_within("flag", subject, high) or not is_within("flag", subject, low)


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 99, 100])
def test_percentage_is_kept(percent: float) -> None:
    within = sum(is_within("flag", subject, percent) for subject in SUBJECTS)
    assert within / len(SUBJECTS) * 100 == pytest.approx(percent, abs=1.2)


def test_flags_divide_subjects_independently() -> None:
    both = sum(is_within("one", s, 50) and is_within("two", s, 50) for s in SUBJECTS)
    assert both / len(SUBJECTS) == pytest.approx(0.25, abs=0.012)


def test_variants_get_their_shares() -> None:
    shares = Counter(picks(1, 2, 5).values())
    for key, share in (("v0", 1 / 8), ("v1", 2 / 8), ("v2", 5 / 8)):
        assert shares[key] / len(SUBJECTS) == pytest.approx(share, abs=0.012)


def test_order_of_variants_does_not_matter() -> None:
    variants = [Variant("a", 1), Variant("b", 3)]
    for subject in SUBJECTS[:500]:
        assert variant_pick("f", subject, variants) == variant_pick("f", subject, variants[::-1])


def test_two_variants_move_exactly_the_change_of_shares() -> None:
    moves = moved(picks(50, 50), picks(40, 60))
    assert moves.keys() == {("v0", "v1")}
    assert moves.total() / len(SUBJECTS) == pytest.approx(0.10, abs=0.012)


def test_a_raised_weight_takes_from_all_and_moves_nobody_else() -> None:
    moves = moved(picks(1, 1, 1), picks(2, 1, 1))
    assert {after for _, after in moves} == {"v0"}
    assert moves.total() / len(SUBJECTS) == pytest.approx(1 / 2 - 1 / 3, abs=0.012)


def test_a_variant_that_ends_gives_its_subjects_away_alone() -> None:
    moves = moved(picks(1, 1, 1), picks(1, 1, 0))
    assert {before for before, _ in moves} == {"v2"}


def test_weights_of_nothing_pick_nothing() -> None:
    assert variant_pick("flag", "somebody", [Variant("a", 0)]) == ""
