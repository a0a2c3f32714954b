"""Measure retrieval: SQuAD's questions against all its paragraphs, through the real pipeline.

`make bench NAME=retrieval`, with `ARGS=SQUAD_FILE` for another file. Each paragraph goes through
upload, extraction, splitting, embedding and publication in a workspace of its own; each answerable
question has to find its paragraph among all. The last line of output is one JSON object: recall at
1 and 5, mean reciprocal rank at 10, the median time of a query, and BM25 and vectors on their own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import UUID

from core.tenancy import TenantContext

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = ROOT.parent / "shared" / "data" / "squad" / "dev_a.json"
SLUG = "bench-retrieval"
Ranker = Callable[[str], list[UUID]]


def ranks(found: list[UUID], wanted: UUID) -> int | None:
    """Return the place of the wanted document among the distinct ones found, from 1."""
    distinct = list(dict.fromkeys(found))
    return distinct.index(wanted) + 1 if wanted in distinct else None


def scores(places: list[int | None]) -> dict[str, float]:
    """Return recall at 1 and 5 and the mean reciprocal rank at 10."""
    total = len(places)
    hits = [place for place in places if place]
    return {
        "r1": round(sum(place == 1 for place in hits) / total, 4),
        "r5": round(sum(place <= 5 for place in hits) / total, 4),
        "mrr10": round(sum(1 / place for place in hits if place <= 10) / total, 4),
    }


def measure(squad_file: Path) -> dict[str, object]:
    """Load what is not there yet, ask everything, and return the figures."""
    from core import tenancy
    from knowledge.calibration.squad import squad_load, squad_read

    squad = squad_read(squad_file)
    with tenancy.tenant_scope(tenant()):
        ids = squad_load(squad, progress)
        questions = [question for question in squad.questions if question.is_answerable]
        wanted = [ids[question.paragraph] for question in questions]
        texts = [question.text for question in questions]
        fused, milliseconds = asked(search, texts, wanted)
        return {
            **scores(fused),
            "query_p50_ms": round(median(milliseconds), 2),
            "bm25": scores(asked(weighted(0.0, 1.0), texts, wanted)[0]),
            "vector": scores(asked(weighted(1.0, 0.0), texts, wanted)[0]),
            "questions": len(texts),
            "paragraphs": len(ids),
        }


def tenant() -> TenantContext:
    """Return the bench's workspace, created at the first run."""
    from core import directory, tenancy
    from tenants.services import tenant_create

    with tenancy.public_scope():
        known = [found for found in directory.tenants_active() if found.slug == SLUG]
        return known[0] if known else tenant_create(name="Retrieval bench", slug=SLUG).context


def asked(
    rank: Ranker, texts: list[str], wanted: list[UUID]
) -> tuple[list[int | None], list[float]]:
    """Return each question's place and how long it took."""
    places, milliseconds = [], []
    for text, document in zip(texts, wanted, strict=True):
        started = time.perf_counter()
        found = rank(text)
        milliseconds.append((time.perf_counter() - started) * 1000)
        places.append(ranks(found, document))
    return places, milliseconds


def search(text: str) -> list[UUID]:
    """Rank as the product does."""
    from knowledge.selectors import passages_search

    return [passage.document_id for passage in passages_search(query=text, limit=30).passages]


def weighted(vector_weight: float, lexical_weight: float) -> Ranker:
    """Return a ranker by one part of the search alone, without the scoring models."""
    from core.embedding import embed
    from knowledge.searching import candidates_find
    from knowledge.types import SearchFilter

    def rank(text: str) -> list[UUID]:
        found = candidates_find(
            query=text,
            vector=embed([text])[0],
            visible=SearchFilter(),
            vector_weight=vector_weight,
            lexical_weight=lexical_weight,
        )
        order = sorted(found, key=lambda c: -(c.cosine * vector_weight + c.share * lexical_weight))
        return [candidate.document_id for candidate in order]

    return rank


def progress(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"{done} of {total} paragraphs are in\n")


def main() -> int:
    """Print the figures; exit 1 without the data set."""
    import django

    import config  # noqa: F401 - chooses the settings

    squad_file = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE
    if not squad_file.is_file():
        sys.stderr.write(f"SQuAD 2 was not found at {squad_file}; name a file.\n")
        return 1
    django.setup()
    sys.stdout.write(json.dumps(measure(squad_file)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
