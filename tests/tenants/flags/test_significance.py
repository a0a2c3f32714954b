"""The tests of significance against published values, and what looking every day does to them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tenants.flags.significance import (
    SUBJECTS_LEAST,
    Arm,
    Verdict,
    always_valid_interval,
    always_valid_p,
    compare,
    fisher_p,
    newcombe_interval,
    wilson_interval,
    z_statistic,
    z_test_p,
)


def test_fisher_of_the_lady_tasting_tea() -> None:
    """Fisher, The Design of Experiments (1935): 3 of 4 right; R's fisher.test says 0.4857."""
    assert fisher_p(Arm(4, 3), Arm(4, 1)) == pytest.approx(34 / 70)


def test_fisher_of_the_convicted_twins() -> None:
    """Fisher (1935), as in the manual of R's fisher.test: 2 and 15 against 10 and 3."""
    assert fisher_p(Arm(17, 2), Arm(13, 10)) == pytest.approx(0.0005367, abs=5e-8)


def test_fisher_of_large_counts_is_near_the_z_test() -> None:
    arms = Arm(4000, 520), Arm(4000, 450)
    assert fisher_p(*arms) == pytest.approx(z_test_p(*arms), abs=0.003)


def test_z_of_the_physicians_health_study() -> None:
    """Agresti, Categorical Data Analysis: heart attacks with placebo and aspirin, X2 = 25.01."""
    placebo, aspirin = Arm(11_034, 189), Arm(11_037, 104)
    assert z_statistic(placebo, aspirin) ** 2 == pytest.approx(25.01, abs=0.01)
    low, high = newcombe_interval(placebo, aspirin)
    assert (round(low, 3), round(high, 3)) == (0.005, 0.011)


@pytest.mark.parametrize(("z", "p"), [(1.644854, 0.10), (1.959964, 0.05), (2.575829, 0.01)])
def test_p_of_z_is_the_tabulated_one(z: float, p: float) -> None:
    """Large arms, whose z is set by the counts, against the table of the normal distribution."""
    n = 10**8
    extra = round(z * math.sqrt(n / 2))
    arms = Arm(n, n // 2 + extra), Arm(n, n // 2)
    assert z_test_p(*arms) == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize(
    ("reached", "subjects", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_newcombes_table(
    reached: int, subjects: int, low: float, high: float
) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    found = wilson_interval(Arm(subjects, reached))
    assert found == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        (Arm(70, 56), Arm(80, 48), 0.0524, 0.3339),
        (Arm(10, 9), Arm(10, 3), 0.1705, 0.8090),
        (Arm(7, 6), Arm(7, 2), 0.0582, 0.8062),
        (Arm(56, 5), Arm(29, 0), -0.0381, 0.1926),
        (Arm(10, 0), Arm(20, 0), -0.1611, 0.2775),
        (Arm(10, 0), Arm(10, 0), -0.2775, 0.2775),
        (Arm(10, 10), Arm(20, 0), 0.6791, 1.0),
        (Arm(10, 10), Arm(10, 0), 0.6075, 1.0),
    ],
)
def test_interval_of_a_difference_is_newcombes_table(
    first: Arm, second: Arm, low: float, high: float
) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10."""
    assert newcombe_interval(first, second) == pytest.approx((low, high), abs=6e-5)


def test_always_valid_p_and_interval_say_the_same() -> None:
    """A difference of nothing lies outside the interval exactly when p is below the level."""
    for reached in range(300, 500, 5):
        arms = Arm(3000, reached), Arm(3000, 300)
        low, high = always_valid_interval(*arms)
        assert (always_valid_p(*arms) < 0.05) is not (low <= 0 <= high)


def test_always_valid_p_is_never_smaller_than_the_fixed_one() -> None:
    for reached in range(300, 500, 5):
        arms = Arm(3000, reached), Arm(3000, 300)
        assert always_valid_p(*arms) >= z_test_p(*arms)


def looks(rate_a: float, rate_b: float, *, seed: int, runs: int = 1500) -> list[np.ndarray]:
    """Return, for each run, the counts of two arms after every 100 of 5,000 subjects each."""
    draws = np.random.default_rng(seed)
    counts = [draws.binomial(100, rate, (runs, 50)).cumsum(axis=1) for rate in (rate_a, rate_b)]
    return [np.stack([counts[0][run], counts[1][run]], axis=1) for run in range(runs)]


def ever_below(run: np.ndarray, p_of: object) -> bool:
    return any(
        p_of(Arm(100 * look, int(a)), Arm(100 * look, int(b))) <= 0.05  # type: ignore[operator]
        for look, (a, b) in enumerate(run, start=1)
    )


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_looking_fifty_times_finds_nothing_where_nothing_is(rate: float) -> None:
    """With p_always at most 5 in 100 tests are false alarms; with the z test it is many more."""
    runs = looks(rate, rate, seed=7, runs=600)
    always = sum(ever_below(run, always_valid_p) for run in runs) / len(runs)
    peeking = sum(ever_below(run, z_test_p) for run in runs) / len(runs)
    assert always <= 0.05
    assert peeking > 0.20


def test_interval_covers_the_truth_at_all_looks_at_once() -> None:
    missed = 0
    runs = looks(0.14, 0.10, seed=11, runs=600)
    for run in runs:
        intervals = (
            always_valid_interval(Arm(100 * look, int(a)), Arm(100 * look, int(b)))
            for look, (a, b) in enumerate(run, start=1)
        )
        missed += any(not low <= 0.04 <= high for low, high in intervals)
    assert missed / len(runs) <= 0.05


def test_a_real_difference_is_found() -> None:
    runs = looks(0.15, 0.10, seed=3, runs=200)
    assert sum(ever_below(run, always_valid_p) for run in runs) / len(runs) > 0.95


@pytest.mark.parametrize(
    ("variant", "control", "verdict"),
    [
        (Arm(0, 0), Arm(0, 0), Verdict.TOO_EARLY),
        (Arm(SUBJECTS_LEAST - 1, 90), Arm(SUBJECTS_LEAST - 1, 10), Verdict.TOO_EARLY),
        (Arm(5000, 4), Arm(5000, 3), Verdict.TOO_EARLY),
        (Arm(1000, 110), Arm(1000, 100), Verdict.UNDECIDED),
        (Arm(3000, 450), Arm(3000, 300), Verdict.BETTER),
        (Arm(3000, 300), Arm(3000, 450), Verdict.WORSE),
    ],
)
def test_verdict(variant: Arm, control: Arm, verdict: Verdict) -> None:
    assert compare(variant, control).verdict is verdict


def test_small_counts_are_tested_exactly() -> None:
    assert compare(Arm(40, 6), Arm(40, 1)).test == "fisher"
    assert compare(Arm(400, 60), Arm(400, 40)).test == "z"


def test_several_variants_make_each_test_stricter() -> None:
    alone = compare(Arm(3000, 400), Arm(3000, 330))
    among = compare(Arm(3000, 400), Arm(3000, 330), comparisons=3)
    assert among.p_fixed == pytest.approx(3 * alone.p_fixed)
    assert among.interval_always[0] < alone.interval_always[0]
