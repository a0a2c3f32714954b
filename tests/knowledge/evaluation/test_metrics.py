"""Measures of a ranking, by hand."""

from __future__ import annotations

import math

from knowledge.evaluation.metrics import Ranking, scores


def test_each_measure_of_one_ranking() -> None:
    ranking = Ranking(("x", "a", "y", "b"), frozenset({"a", "b"}))
    assert (ranking.hit(1), ranking.hit(2)) == (0.0, 1.0)
    assert ranking.reciprocal_rank() == 0.5
    ideal = 1 + 1 / math.log2(3)
    assert math.isclose(ranking.gain(), (1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_what_is_not_among_ten_counts_nothing() -> None:
    late = Ranking(tuple(map(str, range(20))), frozenset({"15"}))
    assert (late.reciprocal_rank(), late.gain(), late.hit(10)) == (0.0, 0.0, 0.0)


def test_means_over_questions() -> None:
    right, wrong = Ranking(("a",), frozenset("a")), Ranking(("b",), frozenset("a"))
    assert scores([right, wrong]) == dict.fromkeys(("R@1", "R@5", "R@10", "MRR", "nDCG@10"), 0.5)
