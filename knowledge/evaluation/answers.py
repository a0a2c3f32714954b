"""Measure extractive answers on a file of SQuAD's form: what is found, and what is not answered.

Beside the answerer itself stands the plain way: of the five passages nearest by vector the
sentences nearest by vector, sure of itself by the cosine of the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np

from knowledge.calibration.fitting import ranking_quality
from knowledge.calibration.squad import Question, Squad, squad_load
from knowledge.questions import question_text, question_vector
from knowledge.scoring import passages_score, support_score
from knowledge.searching import Candidate, FoundSentence, candidates_find
from knowledge.types import SearchFilter

PASSAGES: Final = 8
PLAIN_PASSAGES: Final = 5
SENTENCES: Final = 3
COVERAGE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Extract:
    """What an answerer makes of a question: sentences with their document, and how sure it is."""

    sentences: tuple[tuple[UUID, FoundSentence], ...]
    support: float


Answerer = Callable[[str, Sequence[Candidate]], Extract]


def ours(question: str, candidates: Sequence[Candidate]) -> Extract:
    """Extract as the product does: the sentences most probable to answer."""
    passages = passages_score(question, candidates)
    near = [(p.candidate.document_id, s) for p in passages[:PASSAGES] for s in p.sentences]
    best = sorted(near, key=lambda pair: -pair[1].score)[:SENTENCES]
    return Extract(
        tuple((document, scored.found) for document, scored in best),
        support_score(question, passages),
    )


def plain(_: str, candidates: Sequence[Candidate]) -> Extract:
    """Extract by cosine alone."""
    nearest = sorted(candidates, key=lambda candidate: -candidate.cosine)[:PLAIN_PASSAGES]
    near = [(c.document_id, sentence) for c in nearest for sentence in c.sentences]
    best = sorted(near, key=lambda pair: -pair[1].cosine)[:SENTENCES]
    return Extract(tuple(best), best[0][1].cosine if best else 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question with what each answerer made of it; `foreign`: with its article hidden."""

    question: Question
    gold: UUID
    found: dict[str, Extract]
    foreign: dict[str, Extract]

    def hit(self, name: str, depth: int) -> bool:
        """Return whether a gold answer lies within one of the first sentences."""
        return any(
            document == self.gold and sentence.start <= start and end <= sentence.end
            for document, sentence in self.found[name].sentences[:depth]
            for start, end in self.question.answers
        )


ANSWERERS: Final[dict[str, Answerer]] = {"ours": ours, "plain": plain}


def answers_evaluate(squad: Squad) -> dict[str, Any]:
    """Load the paragraphs into the current workspace, ask everything, return the figures."""
    ids = squad_load(squad)
    articles: dict[str, list[UUID]] = {}
    for article, document in zip(squad.articles, ids, strict=True):
        articles.setdefault(article, []).append(document)
    outcomes = [_outcome(question, ids, articles) for question in squad.questions]
    return {
        **{name: _figures(name, outcomes) for name in ANSWERERS},
        "answerable": sum(one.question.is_answerable for one in outcomes),
        "unanswerable": sum(not one.question.is_answerable for one in outcomes),
    }


def _outcome(question: Question, ids: Sequence[UUID], articles: dict[str, list[UUID]]) -> Outcome:
    hidden = articles[question.article] if question.is_answerable else []
    return Outcome(
        question=question,
        gold=ids[question.paragraph],
        found=_extracts(question.text, []),
        foreign=_extracts(question.text, hidden) if hidden else {},
    )


def _extracts(text: str, hidden: Sequence[UUID]) -> dict[str, Extract]:
    question = question_text(text)
    candidates = candidates_find(
        query=question,
        vector=question_vector(question),
        visible=SearchFilter(excluded_documents=tuple(hidden)),
    )
    return {name: answer(question, candidates) for name, answer in ANSWERERS.items()}


def _figures(name: str, outcomes: Sequence[Outcome]) -> dict[str, float]:
    answerable = [one for one in outcomes if one.question.is_answerable]
    known = [one.found[name].support for one in answerable]
    trick = [one.found[name].support for one in outcomes if not one.question.is_answerable]
    foreign = [one.foreign[name].support for one in answerable if one.foreign]
    figures = {
        "gold_in_top1": _mean([one.hit(name, 1) for one in answerable]),
        "gold_in_top3": _mean([one.hit(name, SENTENCES) for one in answerable]),
        "abstain_auroc": _area(known, trick),
        "out_of_corpus_auroc": _area(known, foreign),
        "false_answer_rate": _mean([one >= _threshold(known) for one in trick]),
        "out_of_corpus_answer_rate": _mean([one >= _threshold(known) for one in foreign]),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _threshold(known: Sequence[float]) -> float:
    """Return the support above which nine of ten answerable questions are answered."""
    return float(np.quantile(known, 1 - COVERAGE)) if known else 0.0


def _area(positive: Sequence[float], negative: Sequence[float]) -> float:
    values = np.array([*positive, *negative], dtype=float)
    return ranking_quality(values, np.array([1.0] * len(positive) + [0.0] * len(negative)))


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / max(1, len(values))
