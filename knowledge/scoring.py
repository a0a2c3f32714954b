"""Turn what search knows about passages and sentences into calibrated probabilities.

Small logistic models over features a person can read: does this sentence answer, does this passage
hold the answer, is the best sentence about what was asked, and does it say it of the same thing.
Their coefficients are in `calibration/coefficients.json`, fitted by `knowledge.calibration.train`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from core.embedding import familiarity
from knowledge.consistency import extreme_missing, names_missing, negation_missing
from knowledge.searching import Candidate, FoundSentence
from knowledge.traits import Trait, question_wants
from knowledge.types import SentenceKind

# How many of the best passages an answer may be drawn from.
SUPPORTING: Final = 5
# No probability is taken for less; logarithms want one.
SMALLEST: Final = 1e-6
# A language the model half knows deserves much less than half the trust.
TRUST_POWER: Final = 8
# Beyond so much information (nats) a question is a story, and what it shares with a passage chance.
LONG_QUESTION: Final = 30.0
ENOUGH_OF_QUESTION: Final = 0.6
ENOUGH_OF_PASSAGE: Final = 0.88
COEFFICIENTS: Final = Path(__file__).with_name("calibration") / "coefficients.json"

# What comes from vectors is worth as much as the model knows of the question's language, and so is
# what sets words against it; `foreign` shifts the probability and never the order.
PASSAGE_FEATURES: Final = (
    "cosine",
    "best_cosine",
    "information",
    "best_coverage",
    "pair_coverage",
    "foreign",
)
SENTENCE_FEATURES: Final = (
    "cosine",
    "passage",
    "best",
    "context",
    "share",
    "coverage",
    "window",
    "fit",
    "question",
    "lead",
    "foreign",
)
# Whether the best sentence is about what was asked, and whether it says it of the same thing. Told
# apart because they fail apart: what is far off is far off whatever else fits.
RELEVANCE_FEATURES: Final = ("sentence", "passage")
CONSISTENCY_FEATURES: Final = ("sentence", "cosine", "names", "negation", "extreme")
# What speaks of something else counts against an answer, but no more than this: people say "never"
# and name dates as nobody who makes up trick questions does.
CAUTION: Final = 0.15


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
    relevance: Logistic
    consistency: Logistic


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is known by: the kind of fact it wants, and how its language is trusted."""

    wants: Trait
    trust: float

    @classmethod
    def of(cls, question: str, candidates: Sequence[Candidate]) -> Asked:
        return cls(question_wants(question), _trust(question, candidates))


def _trust(question: str, candidates: Sequence[Candidate]) -> float:
    """Return how far vectors are to be trusted: as the model knows question and passages.

    A question is too short to be more than roughly judged; the passage that fits best tells.
    """
    if not candidates:
        return 1.0
    nearest = max(candidates, key=lambda candidate: candidate.cosine + candidate.share)
    known = min(
        familiarity(question) / ENOUGH_OF_QUESTION, familiarity(nearest.text) / ENOUGH_OF_PASSAGE
    )
    return min(1.0, known) ** TRUST_POWER


@dataclass(frozen=True, slots=True)
class PassageSignals:
    """What speaks for a passage, each for itself; none depends on other passages.

    `information` is the weight (idf, tenths of a nat) of the question's words it carries.
    """

    cosine: float
    best_cosine: float
    information: float
    share: float
    best_coverage: float
    pair_coverage: float
    fit: float

    def features(self, trust: float) -> tuple[float, ...]:
        """Return the features in the order of PASSAGE_FEATURES."""
        return (
            self.cosine * trust,
            self.best_cosine * trust,
            self.information,
            self.best_coverage * trust,
            self.pair_coverage * trust,
            1 - trust,
        )


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
    trust: float
    signals: PassageSignals
    sentences: tuple[ScoredSentence, ...]


@cache
def models() -> Models:
    """Return the fitted models, read once."""
    stored = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return Models(
        passage=_logistic(stored["passage"], PASSAGE_FEATURES),
        sentence=_logistic(stored["sentence"], SENTENCE_FEATURES),
        relevance=_logistic(stored.get("relevance", {}), RELEVANCE_FEATURES),
        consistency=_logistic(stored.get("consistency", {}), CONSISTENCY_FEATURES),
    )


def _logistic(stored: dict[str, float], features: Sequence[str]) -> Logistic:
    """Return one model; a feature added since the last fit weighs nothing until the next."""
    return Logistic(stored.get("bias", 0.0), tuple(stored.get(name, 0.0) for name in features))


def passages_score(question: str, candidates: Sequence[Candidate]) -> list[ScoredPassage]:
    """Return the candidates scored, the best first; ties by id, so the order is total."""
    asked = Asked.of(question, candidates)
    scored = [_passage(candidate, asked) for candidate in candidates]
    return sorted(scored, key=lambda p: (-p.score, p.candidate.chunk_id))


def _passage(candidate: Candidate, asked: Asked) -> ScoredPassage:
    signals = passage_signals(candidate, asked.wants)
    sentences = (_sentence(candidate, index, asked) for index in range(len(candidate.sentences)))
    score = models().passage.probability(signals.features(asked.trust))
    return ScoredPassage(candidate, score, asked.trust, signals, tuple(sentences))


def _sentence(candidate: Candidate, index: int, asked: Asked) -> ScoredSentence:
    features = sentence_features(candidate, index, asked)
    score = models().sentence.probability(features)
    return ScoredSentence(candidate.sentences[index], score, features)


def passage_signals(candidate: Candidate, wants: Trait) -> PassageSignals:
    """Return what speaks for a passage."""
    own = candidate.sentences
    cosines = [sentence.cosine for sentence in (*candidate.headings, *own)]
    coverages = [coverage(candidate, sentence.matched) for sentence in own]
    pairs = [coverage(candidate, one.matched | next_.matched) for one, next_ in pairwise(own)]
    return PassageSignals(
        cosine=candidate.cosine,
        best_cosine=max(cosines, default=candidate.cosine),
        information=candidate.share * min(sum(candidate.weights.values()), LONG_QUESTION) / 10,
        share=candidate.share,
        best_coverage=max(coverages, default=0.0),
        pair_coverage=max(pairs, default=max(coverages, default=0.0)),
        fit=float(any(_fits(sentence, wants) for sentence in own)),
    )


def sentence_features(candidate: Candidate, index: int, asked: Asked) -> tuple[float, ...]:
    """Return the features in the order of SENTENCE_FEATURES."""
    sentence = candidate.sentences[index]
    near = [*candidate.headings, *candidate.sentences[max(0, index - 1) : index]]
    meaning = (
        sentence.cosine,
        candidate.cosine,
        max(other.cosine for other in candidate.sentences),
        max((other.cosine for other in near), default=candidate.cosine),
    )
    words = (
        candidate.share,
        coverage(candidate, sentence.matched),
        coverage(candidate, _window(candidate, index)),
    )
    return (
        *(value * asked.trust for value in meaning),
        *words,
        float(_fits(sentence, asked.wants)),
        float(sentence.kind == SentenceKind.QUESTION),
        float(index == 0),
        1 - asked.trust,
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


def support_score(question: str, passages: Sequence[ScoredPassage]) -> float:
    """Return the probability that the passages answer the question; 0 without a sentence."""
    best = best_sentence(passages)
    if best is None:
        return 0.0
    found = models()
    signs = consistency_features(question, *best)
    clean = (*signs[:2], *(0.0 for _ in signs[2:]))
    doubt = found.consistency.probability(signs) / found.consistency.probability(clean)
    relevance = found.relevance.probability(relevance_features(best, passages[0]))
    return float(relevance * min(1.0, doubt) ** CAUTION)


def best_sentence(
    passages: Sequence[ScoredPassage],
) -> tuple[ScoredPassage, ScoredSentence] | None:
    """Return the sentence most likely to answer, and its passage, among the first passages."""
    near = [(passage, own) for passage in passages[:SUPPORTING] for own in passage.sentences]
    return max(near, key=lambda pair: pair[1].score, default=None)


def relevance_features(
    best: tuple[ScoredPassage, ScoredSentence], first: ScoredPassage
) -> tuple[float, ...]:
    """Return the features in the order of RELEVANCE_FEATURES."""
    return _logit(best[1].score), _logit(first.score)


def consistency_features(
    question: str, passage: ScoredPassage, sentence: ScoredSentence
) -> tuple[float, ...]:
    """Return the features in the order of CONSISTENCY_FEATURES; what is missing counts against."""
    own, text = passage.candidate, sentence.found.text
    at = own.sentences.index(sentence.found)
    around = (*own.headings, *own.sentences[max(0, at - 1) : at + 2])
    return (
        _logit(sentence.score),
        sentence.found.cosine * passage.trust,
        -names_missing(question, " ".join(each.text for each in around)) * passage.trust,
        -negation_missing(question, text),
        -extreme_missing(question, text),
    )


def _logit(probability: float) -> float:
    clipped = min(max(probability, SMALLEST), 1 - SMALLEST)
    return math.log(clipped / (1 - clipped))
