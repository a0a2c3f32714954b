"""Signs that a sentence speaks of something else than the question."""

from __future__ import annotations

import pytest

from knowledge.consistency import extreme_missing, names_missing, negation_missing


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        ("Do you ship to Norway?", "We ship to Norway and Sweden.", 0.0),
        ("Do you ship to Norway?", "We ship to Sweden.", 1.0),
        ("Was Norway or Sweden first in 2019?", "Sweden was, in 2019.", 1 / 3),
        ("Was it Norway or Sweden in 2019?", "Sweden was, in 2018.", 2 / 3),
        ("What is this?", "Nothing.", 0.0),
    ],
)
def test_names_and_numbers_that_are_not_said(question: str, text: str, share: float) -> None:
    assert names_missing(question, text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("question", "sentence", "missing"),
    [
        ("Which tents are not waterproof?", "All tents are waterproof.", 1.0),
        ("Which tents aren\u2019t waterproof?", "The Larch is not.", 0.0),
        ("Which tents are waterproof?", "All tents are.", 0.0),
    ],
)
def test_denial_that_the_sentence_lacks(question: str, sentence: str, missing: float) -> None:
    assert negation_missing(question, sentence) == missing


def test_end_of_a_scale_that_the_sentence_lacks() -> None:
    assert extreme_missing("What is the lowest price?", "Our highest price is 90 euros.") == 1.0
    assert extreme_missing("What is the lowest price?", "The lowest is 9 euros.") == 0.0
    assert extreme_missing("What is the price?", "Our highest price is 90 euros.") == 0.0
