"""Fit the scoring models and write their coefficients.

`manage.py knowledge_calibrate` loads every source into a workspace of its own through the real
pipeline and takes the features from the real search, so that what is fitted is what is served.
Sources are SQuAD files, one per language, and corpora whose questions name the documents that are
right. Negatives are of three kinds: questions SQuAD marks as unanswerable, answerable ones whose
paragraph is hidden from the search, and answerable ones whose whole article is hidden. What ranks
is learnt from all of it; what a probability means is fixed on the questions of customers
(`support.yaml`). Quality is measured on articles and questions not learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

import numpy as np

from knowledge.calibration import fitting
from knowledge.calibration.fitting import Group, Matrix
from knowledge.calibration.squad import Question, Squad
from knowledge.calibration.support import COLLECTION, support_questions
from knowledge.evaluation.corpus import EvaluationQuestion
from knowledge.evaluation.loading import group_name
from knowledge.questions import question_text, question_vector
from knowledge.scoring import (
    COEFFICIENTS,
    CONSISTENCY_FEATURES,
    PASSAGE_FEATURES,
    RELEVANCE_FEATURES,
    SENTENCE_FEATURES,
    Asked,
    Logistic,
    best_sentence,
    consistency_features,
    models,
    passage_signals,
    passages_score,
    relevance_features,
    sentence_features,
)
from knowledge.searching import Candidate, FoundSentence, candidates_find
from knowledge.types import SearchFilter

SUPPORT_HELD_OUT: Final = "calibration-held-out"
# What a question in a language that is not known still teaches about sentences.
LEAST_TRUST: Final = 0.02
CUSTOMERS: Final = (COLLECTION, SUPPORT_HELD_OUT)
HELD_OUT: Final = ("Steam_engine", "Harvard_University", SUPPORT_HELD_OUT)
# SQuAD's own unanswerable questions are built to fool; visitors' are not, so they count less.
ADVERSARIAL_WEIGHT: Final = 0.15
# Customers ask about few things in their own words; this makes the small set count.
SUPPORT_WEIGHT: Final = 12.0
# What the questions of a source with an answer weigh together, whatever their number.
SQUAD_MASS: Final = 1_500.0
CORPUS_MASS: Final = 300.0
LANGUAGE_MASS: Final = 200.0
# Every feature should count for an answer, but for these: one against, one as it comes out.
SIGNS: Final = {"question": -1, "foreign": 0}


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
    """A question with what the real search retrieved for it, and what of it is right.

    `answers` are the sentences that answer; None where only the right passages are known. A trick
    is a question made to look as if what is there answered it.
    """

    text: str
    group: str
    weight: float
    candidates: tuple[Candidate, ...]
    passages: frozenset[UUID]
    answers: frozenset[FoundSentence] | None
    is_trick: bool = False


def squad_observe(squad: Squad, ids: Sequence[UUID]) -> list[Observed]:
    """Run the search for every case in the current workspace."""
    found = [_case_observe(case, ids[case.question.paragraph]) for case in cases(squad, ids)]
    return _weighed(found, SQUAD_MASS)


def language_observe(squad: Squad, ids: Sequence[UUID]) -> list[Observed]:
    """Run the search for the questions of a file in another language, as they are."""
    found = [
        _case_observe(Case(question, (), True, 1.0), ids[question.paragraph])
        for question in squad.questions
        if question.is_answerable
    ]
    return _weighed(found, LANGUAGE_MASS)


def corpus_observe(
    questions: Sequence[EvaluationQuestion], known: dict[UUID, str]
) -> list[Observed]:
    """Run the search for the questions of a corpus in the current workspace."""
    return _weighed([_question_observe(question, known) for question in questions], CORPUS_MASS)


def _weighed(found: Sequence[Observed], mass: float) -> list[Observed]:
    total = sum(one.weight for one in found if one.passages)
    return [replace(one, weight=one.weight * mass / total) for one in found]


def support_observe() -> list[Observed]:
    """Run the search for the customers' questions in the current workspace."""
    visible = SearchFilter(collections=(COLLECTION,))
    return [
        _answers_observe(
            question.text,
            visible,
            SUPPORT_HELD_OUT if number % 4 == 0 else COLLECTION,
            SUPPORT_WEIGHT,
            partial(_contains, question.contains),
        )
        for number, question in enumerate(support_questions())
    ]


def _case_observe(case: Case, gold: UUID) -> Observed:
    found = _answers_observe(
        case.question.text,
        SearchFilter(excluded_documents=case.hidden),
        case.question.article,
        case.weight,
        partial(_is_gold, case, gold),
    )
    return replace(found, is_trick=not case.question.is_answerable)


def _answers_observe(
    text: str,
    visible: SearchFilter,
    group: str,
    weight: float,
    is_answer: Callable[[Candidate, FoundSentence], bool],
) -> Observed:
    candidates = _candidates(text, visible)
    answers = frozenset(s for c in candidates for s in c.sentences if is_answer(c, s))
    right = frozenset(c.chunk_id for c in candidates if not answers.isdisjoint(c.sentences))
    return Observed(text, group, weight, candidates, right, answers)


def _question_observe(question: EvaluationQuestion, known: dict[UUID, str]) -> Observed:
    groups = (group_name(question.group),) if question.group else ()
    candidates = _candidates(question.text, SearchFilter(collections=groups))
    right = {c.chunk_id for c in candidates if known[c.document_id] in question.relevant}
    return Observed(question.text, question.id, 1.0, candidates, frozenset(right), None)


def _candidates(text: str, visible: SearchFilter) -> tuple[Candidate, ...]:
    question = question_text(text)
    vector = question_vector(question)
    return tuple(candidates_find(query=question, vector=vector, visible=visible))


def _is_gold(case: Case, gold: UUID, candidate: Candidate, sentence: FoundSentence) -> bool:
    """Tell whether the sentence holds a gold answer. Paragraphs are single blocks."""
    if not case.is_answerable or candidate.document_id != gold:
        return False
    spans = case.question.answers
    return any(sentence.start <= start and end <= sentence.end for start, end in spans)


def _contains(words: str, candidate: Candidate, sentence: FoundSentence) -> bool:
    return bool(words) and words in sentence.text


def sentence_group(one: Observed) -> Group | None:
    """Make the rows of the sentence model: every sentence of every passage retrieved."""
    if one.answers is None:
        return None
    asked = Asked.of(one.text, one.candidates)
    pairs = [(c, index) for c in one.candidates for index in range(len(c.sentences))]
    features = [sentence_features(candidate, index, asked) for candidate, index in pairs]
    labels = [candidate.sentences[index] in one.answers for candidate, index in pairs]
    # Where vectors say little, nothing is to be learnt of how they weigh against words.
    weight = one.weight * max(asked.trust, LEAST_TRUST)
    return replace(_group(features, labels, one), weight=weight)


def passage_group(one: Observed) -> Group:
    """Make the rows of the passage model: a passage holds an answer, or it does not."""
    asked = Asked.of(one.text, one.candidates)
    signals = [passage_signals(candidate, asked.wants) for candidate in one.candidates]
    features = [signal.features(asked.trust) for signal in signals]
    return _group(features, [c.chunk_id in one.passages for c in one.candidates], one)


def relevance_group(one: Observed) -> Group | None:
    """Make the row of the relevance model; tricks are about what was asked, so they say nothing."""
    scored = passages_score(one.text, one.candidates)
    best = best_sentence(scored)
    if one.answers is None or one.is_trick or best is None:
        return None
    return _group([relevance_features(best, scored[0])], [best[1].found in one.answers], one)


def consistency_group(one: Observed) -> Group | None:
    """Make the row of the consistency model: a question with an answer there, or a trick."""
    best = best_sentence(passages_score(one.text, one.candidates))
    if one.answers is None or best is None or not (one.is_trick or one.passages):
        return None
    row = [consistency_features(one.text, *best)]
    return replace(_group(row, [not one.is_trick], one), weight=1.0)


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
    ("relevance", RELEVANCE_FEATURES, relevance_group, classification),
    ("consistency", CONSISTENCY_FEATURES, consistency_group, classification),
)


def train(observed: Sequence[Observed]) -> dict[str, dict[str, float]]:
    """Fit all three models, each on what the ones before make of the questions."""
    reports = {}
    for name, features, make, fit in STAGES:
        made = [(one.group, make(one)) for one in observed if one.candidates]
        found = [(source, group) for source, group in made if group is not None]
        signs = [SIGNS.get(feature, 1) for feature in features]
        seen = fit([group for source, group in found if source not in HELD_OUT], signs)
        reports[name] = quality(seen, [group for source, group in found if source in HELD_OUT])
        final = fit([group for _, group in found], signs)
        if name != "consistency":  # of which only ratios count
            customers = [group for source, group in found if source in CUSTOMERS]
            final = fitting.recalibrated(final, customers)
        coefficients_write(name, features, final)
    return reports
