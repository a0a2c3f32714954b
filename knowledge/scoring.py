"""Turn what search knows about passages and sentences into calibrated probabilities.

Three small logistic models over features a person can read: does this sentence answer, does this
passage hold the answer, do the passages together support an answer at all. Their coefficients are
in `calibration/coefficients.json`, fitted by `knowledge.calibration.train`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from knowledge.searching import Candidate, FoundSentence
from knowledge.traits import Trait, question_wants
from knowledge.types import SentenceKind

# How many of the best passages an answer may be drawn from.
SUPPORTING: Final = 5
COEFFICIENTS: Final = Path(__file__).with_name("calibration") / "coefficients.json"

PASSAGE_FEATURES: Final = (
    "cosine",
    "share",
    "best_cosine",
    "best_coverage",
    "fit",
)
SENTENCE_FEATURES: Final = (
    "cosine",
    "passage",
    "share",
    "best",
    "context",
    "coverage",
    "window",
    "fit",
    "question",
    "lead",
)
# More were tried (contrast to the rest of the pool, terms nobody mentions) and told encyclopaedic
# questions apart better, customers' worse.
SUPPORT_FEATURES: Final = ("sentence", "passage")


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model: a bias and one weight per feature, in the order of its features."""

    bias: float
    weights: tuple[float, ...]

    def logit(self, features: Sequence[float]) -> float:
        products = (w * f for w, f in zip(self.weights, features, strict=True))
        return self.bias + sum(products)

    def probability(self, features: Sequence[float]) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.logit(features)))))


@dataclass(frozen=True, slots=True)
class Models:
    passage: Logistic
    sentence: Logistic
    support: Logistic


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence with its probability to answer and the features that led to it."""

    found: FoundSentence
    score: float
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage with its probability to hold the answer."""

    candidate: Candidate
    score: float
    features: tuple[float, ...]
    sentences: tuple[ScoredSentence, ...]

    @property
    def best(self) -> ScoredSentence | None:
        return max(self.sentences, key=lambda sentence: sentence.score, default=None)


@cache
def models() -> Models:
    """Return the fitted models, read once."""
    stored = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return Models(
        passage=_logistic(stored["passage"], PASSAGE_FEATURES),
        sentence=_logistic(stored["sentence"], SENTENCE_FEATURES),
        support=_logistic(stored.get("support", {}), SUPPORT_FEATURES),
    )


def _logistic(stored: dict[str, float], features: Sequence[str]) -> Logistic:
    """Return one model; a feature added since the last fit weighs nothing until the next."""
    return Logistic(stored.get("bias", 0.0), tuple(stored.get(name, 0.0) for name in features))


def passages_score(question: str, candidates: Sequence[Candidate]) -> list[ScoredPassage]:
    """Return the candidates scored, the best first; ties by id, so the order is total."""
    wants = question_wants(question)
    scored = [_passage(candidate, wants) for candidate in candidates]
    return sorted(scored, key=lambda p: (-p.score, p.candidate.chunk_id))


def _passage(candidate: Candidate, wants: Trait) -> ScoredPassage:
    features = passage_features(candidate, wants)
    sentences = (_sentence(candidate, index, wants) for index in range(len(candidate.sentences)))
    score = models().passage.probability(features)
    return ScoredPassage(candidate, score, features, tuple(sentences))


def _sentence(candidate: Candidate, index: int, wants: Trait) -> ScoredSentence:
    features = sentence_features(candidate, index, wants)
    score = models().sentence.probability(features)
    return ScoredSentence(candidate.sentences[index], score, features)


def passage_features(candidate: Candidate, wants: Trait) -> tuple[float, ...]:
    """Return the features in the order of PASSAGE_FEATURES; none depends on other passages."""
    everything = (*candidate.headings, *candidate.sentences)
    cosines = [sentence.cosine for sentence in everything]
    coverages = [coverage(candidate, sentence.matched) for sentence in candidate.sentences]
    return (
        candidate.cosine,
        candidate.share,
        max(cosines, default=candidate.cosine),
        max(coverages, default=0.0),
        float(any(_fits(sentence, wants) for sentence in candidate.sentences)),
    )


def sentence_features(candidate: Candidate, index: int, wants: Trait) -> tuple[float, ...]:
    """Return the features in the order of SENTENCE_FEATURES."""
    sentence = candidate.sentences[index]
    window = _window(candidate, index)
    near = [*candidate.headings, *candidate.sentences[max(0, index - 1) : index]]
    return (
        sentence.cosine,
        candidate.cosine,
        candidate.share,
        max(other.cosine for other in candidate.sentences),
        max((other.cosine for other in near), default=candidate.cosine),
        coverage(candidate, sentence.matched),
        coverage(candidate, window),
        float(_fits(sentence, wants)),
        float(sentence.kind == SentenceKind.QUESTION),
        float(index == 0),
    )


def _window(candidate: Candidate, index: int) -> frozenset[str]:
    """Return the question's terms in the sentence, its neighbours and the headings above."""
    around = candidate.sentences[max(0, index - 1) : index + 2]
    return frozenset().union(*(other.matched for other in (*candidate.headings, *around)))


def coverage(candidate: Candidate, matched: frozenset[str]) -> float:
    """Return how much of the question's information these terms carry, 0 to 1, by idf."""
    total = sum(candidate.weights.values())
    return sum(candidate.weights[term] for term in matched) / total if total else 0.0


def _fits(sentence: FoundSentence, wants: Trait) -> bool:
    """Tell whether the sentence holds what is asked for, which any does if that is unclear."""
    return not wants or bool(Trait(sentence.traits) & wants)


def support_score(passages: Sequence[ScoredPassage]) -> float:
    """Return the probability that the passages answer the question; 0 without passages."""
    features = support_features(passages)
    return models().support.probability(features) if features else 0.0


def support_features(passages: Sequence[ScoredPassage]) -> tuple[float, ...]:
    """Return the features in the order of SUPPORT_FEATURES, or none without a sentence."""
    near = [sentence.score for passage in passages[:SUPPORTING] for sentence in passage.sentences]
    return (_logit(max(near)), _logit(passages[0].score)) if near else ()


def _logit(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))
