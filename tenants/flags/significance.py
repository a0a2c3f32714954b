"""Whether two proportions differ: tests for one look, and one that may be looked at any time.

Pure functions of counts. `p_fixed` (Fisher's exact test for small counts, else the pooled z test)
and `interval_fixed` hold for one look at a number of subjects that was settled beforehand; looking
every day and stopping at the first small p finds differences where there are none. `p_always` and
`interval_always` hold at every look at once, at the price of needing more subjects; the verdict
rests on them alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

_NORMAL = NormalDist()
LEVEL = 0.05
# The normal mixture's standard deviation: differences of some points are what is looked for.
TAU = 0.05
# Below these the normal approximation of `p_always` is not to be trusted, and nothing is said.
SUBJECTS_LEAST = 100
EXPECTED_LEAST = 5

Interval = tuple[float, float]


class Verdict(StrEnum):
    TOO_EARLY = "too_early"
    UNDECIDED = "undecided"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Arm:
    """How many subjects saw a variant, and how many of them reached the goal."""

    subjects: int
    reached: int

    @property
    def rate(self) -> float:
        return self.reached / self.subjects if self.subjects else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the control; differences are shares, variant minus control."""

    difference: float
    test: str
    p_fixed: float
    interval_fixed: Interval
    p_always: float
    interval_always: Interval
    verdict: Verdict


def compare(variant: Arm, control: Arm, *, comparisons: int = 1) -> Comparison:
    """Return how a variant did against the control.

    With several variants the level is divided by `comparisons` (Bonferroni), and p values are
    multiplied by it.
    """
    level = LEVEL / comparisons
    is_small = _expected_least(variant, control) < EXPECTED_LEAST
    p_fixed = fisher_p(variant, control) if is_small else z_test_p(variant, control)
    p_always = min(1.0, always_valid_p(variant, control) * comparisons)
    difference = variant.rate - control.rate
    return Comparison(
        difference=difference,
        test="fisher" if is_small else "z",
        p_fixed=min(1.0, p_fixed * comparisons),
        interval_fixed=newcombe_interval(variant, control, level=level),
        p_always=p_always,
        interval_always=always_valid_interval(variant, control, level=level),
        verdict=_verdict(variant, control, difference, p_always),
    )


def _verdict(variant: Arm, control: Arm, difference: float, p_always: float) -> Verdict:
    if min(variant.subjects, control.subjects) < SUBJECTS_LEAST:
        return Verdict.TOO_EARLY
    if _expected_least(variant, control) < EXPECTED_LEAST:
        return Verdict.TOO_EARLY
    if p_always > LEVEL:
        return Verdict.UNDECIDED
    return Verdict.BETTER if difference > 0 else Verdict.WORSE


def _expected_least(first: Arm, second: Arm) -> float:
    """Return the least expected count of the 2x2 table (Cochran's rule asks for 5)."""
    total = first.subjects + second.subjects
    if not total:
        return 0.0
    reached = first.reached + second.reached
    return min(first.subjects, second.subjects) * min(reached, total - reached) / total


def z_test_p(first: Arm, second: Arm) -> float:
    """Return the two-sided p of the pooled two-proportion z test; z squared is Pearson's X2."""
    z = z_statistic(first, second)
    return math.erfc(abs(z) / math.sqrt(2))


def z_statistic(first: Arm, second: Arm) -> float:
    """Return z, 0 where nothing varies (Agresti, Categorical Data Analysis, 3.2)."""
    total = first.subjects + second.subjects
    pooled = (first.reached + second.reached) / total if total else 0.0
    variance = pooled * (1 - pooled)
    if not variance or not first.subjects or not second.subjects:
        return 0.0
    error = math.sqrt(variance * (1 / first.subjects + 1 / second.subjects))
    return (first.rate - second.rate) / error


def fisher_p(first: Arm, second: Arm) -> float:
    """Return the two-sided p of Fisher's exact test: the tables no likelier than the one seen.

    R. A. Fisher, "The logic of inductive inference" (1935); ties within 1e-7 count, as in R.
    """
    reached, total = first.reached + second.reached, first.subjects + second.subjects
    least = max(0, reached - second.subjects)
    most = min(reached, first.subjects)
    ways = [
        math.comb(first.subjects, k) * math.comb(second.subjects, reached - k)
        for k in range(least, most + 1)
    ]
    seen = ways[first.reached - least]
    # Whole numbers: the tie of 1e-7 without a float that a large table would overflow.
    as_rare = sum(way for way in ways if way * 10**7 <= seen * (10**7 + 1))
    return as_rare / math.comb(total, reached)


def wilson_interval(arm: Arm, *, level: float = LEVEL) -> Interval:
    """Return the score interval of a proportion (E. B. Wilson, 1927)."""
    if not arm.subjects:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(1 - level / 2)
    n, p = arm.subjects, arm.rate
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe_interval(first: Arm, second: Arm, *, level: float = LEVEL) -> Interval:
    """Return the interval of a difference of proportions for one look.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10.
    """
    low1, high1 = wilson_interval(first, level=level)
    low2, high2 = wilson_interval(second, level=level)
    difference = first.rate - second.rate
    below = math.hypot(first.rate - low1, high2 - second.rate)
    above = math.hypot(high1 - first.rate, second.rate - low2)
    return difference - below, difference + above


def always_valid_p(first: Arm, second: Arm, *, tau: float = TAU) -> float:
    """Return a p value that stays valid however often it is looked at.

    The mixture sequential probability ratio test with a normal mixture of standard deviation `tau`
    around no difference: R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Peeking at A/B tests" (KDD
    2017), with the difference's estimated variance for unequal arms. p is 1/likelihood ratio, at
    most 1; by Ville's inequality it is ever below a level with at most that probability.
    """
    variance = _variance(first, second)
    difference = first.rate - second.rate
    log_ratio = 0.5 * math.log(variance / (variance + tau**2)) + (
        difference**2 * tau**2 / (2 * variance * (variance + tau**2))
    )
    return math.exp(min(0.0, -log_ratio))


def always_valid_interval(
    first: Arm, second: Arm, *, level: float = LEVEL, tau: float = TAU
) -> Interval:
    """Return the differences that `always_valid_p` does not refuse: it may be looked at any time.

    The test above inverted; all of them at once cover the truth with probability 1 - level.
    """
    variance = _variance(first, second)
    widened = variance * (variance + tau**2) / tau**2
    half = math.sqrt(widened * (math.log((variance + tau**2) / variance) - 2 * math.log(level)))
    difference = first.rate - second.rate
    return max(-1.0, difference - half), min(1.0, difference + half)


def _variance(first: Arm, second: Arm) -> float:
    """Return the variance of the difference; one success and one failure more keep it above 0.

    As in A. Agresti and B. Caffo, "Simple and effective confidence intervals" (2000).
    """
    return sum(_spread(arm) for arm in (first, second))


def _spread(arm: Arm) -> float:
    share = (arm.reached + 1) / (arm.subjects + 2)
    return share * (1 - share) / (arm.subjects + 2)
