"""Measure the search on any corpus: full text alone, vectors alone, and the search itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final
from uuid import UUID

from knowledge.evaluation.corpus import EvaluationDocument, EvaluationQuestion, relevance_check
from knowledge.evaluation.loading import documents_load, group_name
from knowledge.evaluation.metrics import Ranking, scores
from knowledge.questions import question_text, question_vector
from knowledge.scoring import passages_score
from knowledge.searching import Candidate, candidates_find
from knowledge.types import SearchFilter

Order = Callable[[str, Sequence[Candidate]], Sequence[Candidate]]


def _by_words(_: str, found: Sequence[Candidate]) -> Sequence[Candidate]:
    return sorted((one for one in found if one.share > 0), key=lambda c: (-c.share, c.chunk_id))


def _by_meaning(_: str, found: Sequence[Candidate]) -> Sequence[Candidate]:
    return sorted(found, key=lambda candidate: (-candidate.cosine, candidate.chunk_id))


def _by_score(question: str, found: Sequence[Candidate]) -> Sequence[Candidate]:
    return [scored.candidate for scored in passages_score(question, found)]


# The pool holds the first twenty of either half, so each can be told from it as if it were alone.
ORDERS: Final[dict[str, Order]] = {
    "full_text": _by_words,
    "vector": _by_meaning,
    "ours": _by_score,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what the search found, and how long that took."""

    question: EvaluationQuestion
    candidates: tuple[Candidate, ...]
    milliseconds: float


def retrieval_evaluate(
    documents: Sequence[EvaluationDocument], questions: Sequence[EvaluationQuestion]
) -> dict[str, Any]:
    """Load the documents into the current workspace, ask everything, return the figures.

    Raises EvaluationInvalid when a question wants a document that is not there.
    """
    relevance_check(documents, questions)
    known = documents_load(documents)
    asked = [question_ask(question) for question in questions]
    return {
        **{name: scores(_rankings(order, asked, known)) for name, order in ORDERS.items()},
        "questions": len(questions),
        "documents": len(documents),
        "query_p50_ms": round(median(one.milliseconds for one in asked), 2),
    }


def question_ask(question: EvaluationQuestion) -> Asked:
    """Run the search for a question, within its group if it has one."""
    collections = (group_name(question.group),) if question.group else ()
    text = question_text(question.text)
    began = time.perf_counter()
    found = candidates_find(
        query=text, vector=question_vector(text), visible=SearchFilter(collections=collections)
    )
    return Asked(question, tuple(found), (time.perf_counter() - began) * 1000)


def _rankings(order: Order, asked: Sequence[Asked], known: dict[UUID, str]) -> list[Ranking]:
    return [
        Ranking(
            found=tuple(
                dict.fromkeys(
                    known[candidate.document_id]
                    for candidate in order(question_text(one.question.text), one.candidates)
                )
            ),
            relevant=one.question.relevant,
        )
        for one in asked
    ]
