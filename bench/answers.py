"""Ask the demo tenants' own questions: how many are answered right, wrong, or not at all.

Runs on the configured database with the demo's documents in it (`make demo` or `make up` first). An
answer is right when it contains the words that tests/knowledge/questions.yaml expects. Prints one
JSON object on its last line; it writes nothing.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django
import yaml

import config  # noqa: F401 - chooses the settings
from core import directory, tenancy

QUESTIONS = Path(__file__).resolve().parent.parent / "tests" / "knowledge" / "questions.yaml"
PASSAGES = 8
SEARCH_SUPPORT = 0.5  # the gate of workflows/library/customer_support.yaml
TO_PERSON = {"human_request", "complaint"}
TO_PERSON_CONFIDENCE = 0.5


def outcome(question: dict[str, Any], is_answerable: bool) -> str:
    """Return what became of a question: right, wrong, abstained or to_person."""
    from routing import features
    from routing.classifier import classify

    text = question["question"]
    prediction = classify(text, features.extract(text))
    if prediction.intent in TO_PERSON and prediction.confidence >= TO_PERSON_CONFIDENCE:
        return "to_person"
    answer = answer_to(text)
    if not answer:
        return "abstained"
    return "right" if is_answerable and question["contains"] in answer else "wrong"


def answer_to(text: str) -> str:
    """Return the local provider's answer from the tenant's passages, or an empty string."""
    from knowledge.selectors import passages_search
    from routing.services import completion_generate
    from routing.types import Evidence, EvidenceSentence, Tier

    found = passages_search(query=text, limit=PASSAGES)
    if found.support < SEARCH_SUPPORT:
        return ""
    evidence = [
        Evidence(
            number=number,
            title=passage.title,
            text=passage.text,
            sentences=tuple(
                EvidenceSentence(s.text, s.score, s.start, s.end) for s in passage.sentences
            ),
        )
        for number, passage in enumerate(found.passages, start=1)
    ]
    return completion_generate(tier=Tier.SLM_A, question=text, evidence=evidence).text


def main() -> None:
    """Ask every question inside its tenant and print the counts."""
    django.setup()
    asked = yaml.safe_load(QUESTIONS.read_text())
    with tenancy.public_scope():
        tenants = {tenant.slug: tenant for tenant in directory.tenants_active()}
    counts = {kind: Counter[str]() for kind in ("questions", "unanswerable")}
    times = []
    for kind, counted in counts.items():
        for question in asked[kind]:
            with tenancy.tenant_scope(tenants[question["tenant"]]):
                began = time.perf_counter()
                result = outcome(question, kind == "questions")
                times.append((time.perf_counter() - began) * 1000)
            counted[result] += 1
            if result == "wrong":
                print(f"wrong: {question['question']}")
    print(
        json.dumps(
            {
                "answerable": dict(counts["questions"]),
                "unanswerable": dict(counts["unanswerable"]),
                "answer_p50_ms": round(statistics.median(times), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
