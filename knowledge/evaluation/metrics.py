"""Measures of a ranking: hit rate, mean reciprocal rank, normalised discounted cumulative gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DEPTH: Final = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """The distinct documents found for a question, the best first, and those that are right."""

    found: tuple[str, ...]
    relevant: frozenset[str]

    def hit(self, depth: int) -> float:
        """Return whether one that is right is among the first."""
        return float(not self.relevant.isdisjoint(self.found[:depth]))

    def reciprocal_rank(self) -> float:
        """Return one through the place of the first that is right, 0 below ten."""
        places = (n for n, one in enumerate(self.found[:DEPTH], start=1) if one in self.relevant)
        return 1 / next(places, math.inf)

    def gain(self) -> float:
        """Return nDCG@10 with a gain of one for each that is right (Järvelin & Kekäläinen 2002)."""
        ideal = sum(map(_discount, range(min(DEPTH, len(self.relevant)))))
        found = enumerate(self.found[:DEPTH])
        return sum(_discount(place) for place, one in found if one in self.relevant) / ideal


def _discount(place: int) -> float:
    return 1 / math.log2(place + 2)


def scores(rankings: Sequence[Ranking]) -> dict[str, float]:
    """Return the means over all questions. R@k is the share of questions with a hit among k."""
    total = max(1, len(rankings))
    means = {f"R@{depth}": sum(one.hit(depth) for one in rankings) for depth in (1, 5, 10)}
    means["MRR"] = sum(one.reciprocal_rank() for one in rankings)
    means["nDCG@10"] = sum(one.gain() for one in rankings)
    return {name: round(value / total, 4) for name, value in means.items()}
