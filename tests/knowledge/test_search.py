"""What a score means, whatever is asked for: subsets by threshold, prefixes by limit."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.tenancy import TenantContext
from knowledge import searching, selectors
from knowledge.types import SearchFilter
from tests.knowledge.documents import ingested

QUESTIONS = [
    "How long can I return unworn clothing?",
    "When is the money paid back?",
    "boots",
    "Do you sell kayaks?",
    "\u6211\u60f3\u9000\u8d27",
    "'; DROP TABLE knowledge_chunk; --",
    "?",
]


@pytest.fixture
def corpus(in_acme: TenantContext) -> None:
    ingested(collection="policies")
    ingested("stores.md", b"# Stores\n\nOur stores open at nine.\n\n## Parking\n\nParking is free.")
    ingested("hours.txt", b"The telephone is answered from nine to five on working days.")


@pytest.mark.usefixtures("corpus")
class TestMeaningOfScores:
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        question=st.sampled_from(QUESTIONS),
        low=st.floats(0, 1),
        high=st.floats(0, 1),
        small=st.integers(0, 30),
        large=st.integers(0, 30),
    )
    def test_threshold_gives_subsets_and_limit_prefixes(
        self, question: str, low: float, high: float, small: int, large: int
    ) -> None:
        low, high = sorted((low, high))
        small, large = sorted((small, large))
        loose = selectors.passages_search(query=question, limit=large, threshold=low).passages
        strict = selectors.passages_search(query=question, limit=large, threshold=high).passages
        fewer = selectors.passages_search(query=question, limit=small, threshold=low).passages

        assert loose[: len(strict)] == strict
        assert loose[: len(fewer)] == fewer
        assert all(0 <= passage.score <= 1 for passage in loose)
        assert [p.score for p in loose] == sorted((p.score for p in loose), reverse=True)

    def test_answer_is_first_with_offsets_and_url(self) -> None:
        found = selectors.passages_search(query=QUESTIONS[0])
        best = max(found.passages[0].sentences, key=lambda sentence: sentence.score)

        assert "60 days" in best.text
        assert found.passages[0].text[best.start - found.passages[0].start :].startswith(best.text)
        assert found.passages[0].url == f"/knowledge/source/{found.passages[0].chunk_id}/"
        assert found.support > 0.5

    def test_unrelated_question_is_not_supported(self) -> None:
        assert selectors.passages_search(query="Who painted the Mona Lisa?").support < 0.5

    def test_filters_hold_inside_the_query(self) -> None:
        vector = np.zeros(384, dtype=np.float32) + 0.05
        for visible, expected in (
            (SearchFilter(), 3),
            (SearchFilter(collections=("policies",)), 1),
            (SearchFilter(collections=("none",)), 0),
        ):
            found = searching.candidates_find(query="open", vector=vector, visible=visible)
            assert len({candidate.document_id for candidate in found}) == expected

    def test_large_index_is_searched_through_hnsw(self, monkeypatch: pytest.MonkeyPatch) -> None:
        exact = selectors.passages_search(query=QUESTIONS[0]).passages
        monkeypatch.setattr(searching, "EXACT_BELOW", 0)

        assert selectors.passages_search(query=QUESTIONS[0]).passages[0] == exact[0]

    def test_search_is_one_round_trip(self) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            selectors.passages_search(query=QUESTIONS[0])

        assert len(queries) == 1


@pytest.mark.parametrize("query", ["", "   ", "\x00"])
def test_empty_question_finds_nothing(in_acme: TenantContext, query: str) -> None:
    found = selectors.passages_search(query=query)

    assert (found.passages, found.support) == ((), 0.0)


def test_empty_index_supports_nothing(in_acme: TenantContext) -> None:
    assert selectors.passages_search(query="anything " * 10_000).support == 0.0
