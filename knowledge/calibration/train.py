"""Fit the scoring models and write their coefficients.

`manage.py knowledge_calibrate SQUAD_FILE TENANT_SLUG` loads the file's paragraphs into the named
tenant through the real pipeline and takes the features from the real search, so that what is fitted
is what is served. Negatives are of three kinds: questions SQuAD marks as unanswerable,
answerable ones whose paragraph is hidden from the search, and answerable ones whose whole article
is hidden. What ranks is learnt from all of it; what a probability means is fixed on the questions
of customers (`support.yaml`). Quality is measured on articles and questions not learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from core import tenancy
from core.embedding import embed
from knowledge.calibration import fitting
from knowledge.calibration.fitting import Group, Matrix
from knowledge.calibration.squad import Question, Squad, squad_load, squad_read
from knowledge.calibration.support import COLLECTION, support_load, support_questions
from knowledge.scoring import (
    COEFFICIENTS,
    PASSAGE_FEATURES,
    SENTENCE_FEATURES,
    SUPPORT_FEATURES,
    SUPPORTING,
    Logistic,
    models,
    passage_features,
    passages_score,
    sentence_features,
    support_features,
)
from knowledge.searching import Candidate, FoundSentence, candidates_find
from knowledge.traits import question_wants
from knowledge.types import SearchFilter

SUPPORT_HELD_OUT: Final = "calibration-held-out"
CUSTOMERS: Final = (COLLECTION, SUPPORT_HELD_OUT)
HELD_OUT: Final = ("Steam_engine", "Harvard_University", SUPPORT_HELD_OUT)
# SQuAD's own unanswerable questions are built to fool; visitors' are not, so they count less.
ADVERSARIAL_WEIGHT: Final = 0.15
# Customers ask about few things in their own words; this makes the small set count.
SUPPORT_WEIGHT: Final = 12.0
# Every feature should count for an answer, but for this one.
SIGNS: Final = {"question": -1}


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what the search may not see, and whether an answer is left."""

    question: Question
    hidden: tuple[UUID, ...]
    is_answerable: bool
    weight: float


def cases(squad: Squad, ids: Sequence[UUID]) -> Iterator[Case]:
    """Yield every question as it is, and the answerable ones with their answer hidden."""
    by_article: dict[str, tuple[UUID, ...]] = {}
    for article, document in zip(squad.articles, ids, strict=True):
        by_article[article] = (*by_article.get(article, ()), document)
    for number, question in enumerate(squad.questions):
        if not question.is_answerable:
            yield Case(question, (), False, ADVERSARIAL_WEIGHT)
            continue
        yield Case(question, (), True, 1.0)
        whole = by_article[question.article]
        yield Case(question, whole if number % 2 else (ids[question.paragraph],), False, 1.0)


@dataclass(frozen=True, slots=True)
class Observed:
    """A question with what the real search retrieved for it, and the sentences that answer it."""

    text: str
    group: str
    weight: float
    candidates: tuple[Candidate, ...]
    answers: frozenset[FoundSentence]


def squad_observe(squad: Squad, ids: Sequence[UUID]) -> list[Observed]:
    """Run the search for every case in the current tenant."""
    return [
        _observed(
            case.question.text,
            SearchFilter(
                collections=tuple({name[:80] for name in squad.articles}),
                excluded_documents=case.hidden,
            ),
            case.question.article,
            case.weight,
            partial(_is_gold, case, ids[case.question.paragraph]),
        )
        for case in cases(squad, ids)
    ]


def support_observe() -> list[Observed]:
    """Run the search for the customers' questions in the current tenant."""
    visible = SearchFilter(collections=(COLLECTION,))
    return [
        _observed(
            question.text,
            visible,
            SUPPORT_HELD_OUT if number % 4 == 0 else COLLECTION,
            SUPPORT_WEIGHT,
            partial(_contains, question.contains),
        )
        for number, question in enumerate(support_questions())
    ]


def _observed(
    text: str,
    visible: SearchFilter,
    group: str,
    weight: float,
    is_answer: Callable[[Candidate, FoundSentence], bool],
) -> Observed:
    vector = embed([text])[0]
    candidates = candidates_find(query=text, vector=vector, visible=visible)
    answers = {s for c in candidates for s in c.sentences if is_answer(c, s)}
    return Observed(text, group, weight, tuple(candidates), frozenset(answers))


def _is_gold(case: Case, gold: UUID, candidate: Candidate, sentence: FoundSentence) -> bool:
    """Tell whether the sentence holds a gold answer. Paragraphs are single blocks."""
    if not case.is_answerable or candidate.document_id != gold:
        return False
    spans = case.question.answers
    return any(sentence.start <= start and end <= sentence.end for start, end in spans)


def _contains(words: str, candidate: Candidate, sentence: FoundSentence) -> bool:
    return bool(words) and words in sentence.text


def sentence_group(one: Observed) -> Group:
    """Make the rows of the sentence model: every sentence of every passage retrieved."""
    wants = question_wants(one.text)
    pairs = [(c, index) for c in one.candidates for index in range(len(c.sentences))]
    features = [sentence_features(candidate, index, wants) for candidate, index in pairs]
    labels = [candidate.sentences[index] in one.answers for candidate, index in pairs]
    return _group(features, labels, one)


def passage_group(one: Observed) -> Group:
    """Make the rows of the passage model: a passage holds an answer, or it does not."""
    wants = question_wants(one.text)
    features = [passage_features(candidate, wants) for candidate in one.candidates]
    labels = [not one.answers.isdisjoint(candidate.sentences) for candidate in one.candidates]
    return _group(features, labels, one)


def support_group(one: Observed) -> Group:
    """Make the row of the support model: the best sentence is an answer, or it is not."""
    scored = passages_score(one.text, one.candidates)
    near = [sentence for passage in scored[:SUPPORTING] for sentence in passage.sentences]
    best = max(near, key=lambda sentence: sentence.score)
    return _group([support_features(scored)], [best.found in one.answers], one)


def _group(features: Sequence[tuple[float, ...]], labels: Sequence[bool], one: Observed) -> Group:
    return Group(np.array(features), np.array(labels, dtype=float), one.weight)


def ranking(groups: Sequence[Group], signs: Sequence[int]) -> Logistic:
    """Fit a model that orders rows of one question."""
    return fitting.ranking_fit(groups, signs=signs)


def classification(groups: Sequence[Group], signs: Sequence[int]) -> Logistic:
    """Fit a model that tells rows of different questions apart."""
    return fitting.logistic_fit(*_stacked(groups), signs=signs)


def _stacked(groups: Sequence[Group]) -> tuple[Matrix, Matrix, Matrix]:
    features = np.vstack([group.features for group in groups])
    labels = np.concatenate([group.labels for group in groups])
    return features, labels, np.concatenate([np.full(len(g.labels), g.weight) for g in groups])


def quality(model: Logistic, groups: Sequence[Group]) -> dict[str, float]:
    """Return how well the model does on questions it has not seen."""
    features, labels, _ = _stacked(groups)
    predicted = fitting.probabilities(model, features)
    return {
        "auc": fitting.ranking_quality(predicted, labels),
        "log_loss": fitting.log_loss(predicted, labels),
        "calibration_error": fitting.calibration_error(predicted, labels),
    }


def coefficients_write(name: str, features: Sequence[str], model: Logistic) -> None:
    """Replace one model in the file the application reads."""
    stored = json.loads(COEFFICIENTS.read_text()) if COEFFICIENTS.exists() else {}
    rounded = {key: round(w, 4) for key, w in zip(features, model.weights, strict=True)}
    stored[name] = {"bias": round(model.bias, 4), **rounded}
    COEFFICIENTS.write_text(json.dumps(stored, indent=2) + "\n")
    models.cache_clear()


STAGES: Final = (
    ("sentence", SENTENCE_FEATURES, sentence_group, ranking),
    ("passage", PASSAGE_FEATURES, passage_group, ranking),
    ("support", SUPPORT_FEATURES, support_group, classification),
)


def train(observed: Sequence[Observed]) -> dict[str, dict[str, float]]:
    """Fit all three models, each on what the ones before make of the questions."""
    reports = {}
    for name, features, make, fit in STAGES:
        found = [(one.group in HELD_OUT, make(one)) for one in observed if one.candidates]
        signs = [SIGNS.get(feature, 1) for feature in features]
        seen = fit([group for is_held_out, group in found if not is_held_out], signs)
        reports[name] = quality(seen, [group for is_held_out, group in found if is_held_out])
        final = fit([group for _, group in found], signs)
        customers = [make(one) for one in observed if one.group in CUSTOMERS and one.candidates]
        coefficients_write(name, features, fitting.recalibrated(final, customers))
    return reports


def calibrate(squad_file: Path, tenant: tenancy.TenantContext) -> dict[str, dict[str, float]]:
    """Load, search, fit, write; returns quality on the articles held out, per model."""
    with tenancy.tenant_scope(tenant):
        support_load()
        squad = squad_read(squad_file)
        ids = squad_load(squad, lambda done, total: None)
        return train([*squad_observe(squad, ids), *support_observe()])
