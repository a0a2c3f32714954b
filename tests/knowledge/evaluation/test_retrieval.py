"""An evaluation asks the real search, in the current workspace only."""

from __future__ import annotations

import pytest

from core import tenancy
from core.tenancy import TenantContext
from knowledge.calibration.squad import Question, Squad
from knowledge.evaluation.answers import answers_evaluate
from knowledge.evaluation.corpus import EvaluationDocument, EvaluationInvalid, EvaluationQuestion
from knowledge.evaluation.retrieval import retrieval_evaluate
from knowledge.models import Document

SEND_BACK = "\u0e2a\u0e48\u0e07\u0e04\u0e37\u0e19"  # Thai, written without spaces
DOCUMENTS = [
    EvaluationDocument("returns", "Returns", "Unworn clothing comes back within sixty days.", "a"),
    EvaluationDocument("shipping", "Shipping", "Parcels leave our warehouse every evening.", "a"),
    EvaluationDocument(
        "thai",
        "",
        "\u0e2a\u0e34\u0e19\u0e04\u0e49\u0e32\u0e2a\u0e48\u0e07\u0e04\u0e37\u0e19\u0e44\u0e14\u0e49",
        "b",
    ),
]


def asked(text: str, right: str, group: str = "") -> EvaluationQuestion:
    return EvaluationQuestion(text, text, frozenset({right}), group)


def test_figures_of_all_three_ways(in_acme: TenantContext) -> None:
    found = retrieval_evaluate(
        DOCUMENTS,
        [
            asked("When does clothing come back?", "returns"),
            asked("When do parcels leave?", "shipping"),
            asked(SEND_BACK, "thai"),
        ],
    )
    assert found["ours"]["R@1"] == found["full_text"]["R@1"] == 1.0
    assert (found["questions"], found["documents"]) == (3, 3)
    assert found["query_p50_ms"] > 0


def test_question_with_a_group_is_asked_within_it(in_acme: TenantContext) -> None:
    found = retrieval_evaluate(DOCUMENTS, [asked("When do parcels leave?", "thai", group="b")])
    assert found["vector"]["R@1"] == 1.0


def test_nothing_is_written_for_a_question_without_its_document(in_acme: TenantContext) -> None:
    with pytest.raises(EvaluationInvalid):
        retrieval_evaluate(DOCUMENTS, [asked("Where?", "nowhere")])
    assert not Document.objects.exists()


def test_other_workspaces_documents_are_not_asked(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        retrieval_evaluate(DOCUMENTS, [asked("When do parcels leave?", "shipping")])
    found = retrieval_evaluate(DOCUMENTS[:1], [asked("When do parcels leave?", "returns")])
    assert found["documents"] == Document.objects.count() == 1


def test_answers_are_found_or_refused(in_acme: TenantContext) -> None:
    text = "Parcels leave our warehouse every evening. Clothing comes back within sixty days."
    start = text.index("sixty")
    squad = Squad(
        paragraphs=(text, "The Mona Lisa was painted by Leonardo."),
        articles=("Shop", "Art"),
        questions=(
            Question(
                "Within how many days does clothing come back?", "Shop", 0, ((start, start + 5),)
            ),
            Question("Who painted the warehouse?", "Shop", 0, ()),
        ),
    )
    found = answers_evaluate(squad)
    assert found["ours"]["gold_in_top1"] == found["plain"]["gold_in_top1"] == 1.0
    assert found["ours"]["out_of_corpus_auroc"] == 1.0
    assert (found["answerable"], found["unanswerable"]) == (1, 1)
