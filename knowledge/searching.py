"""Hybrid search in one query: BM25 over our postings, exact or HNSW vector search, and fusion.

BM25 (Robertson & Zaragoza 2009, with the idf of Lucene) is computed by Postgres from the postings
of the question's terms: `ts_rank` knows no document frequency. It is divided by the best score the
question could reach anywhere, so it means "share of what was asked that the passage carries",
0 to 1, whatever the corpus. The pool is what comes first by words together with what comes first
by meaning. Neither depends on how many results are wanted: the pool is of fixed size, so raising a
limit never reorders and raising a threshold only removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from knowledge.lexical import searchable
from knowledge.traits import question_subject
from knowledge.types import SearchFilter, SentenceKind

HALF: Final = 20  # so many come into the pool by words, and so many by meaning
POOL: Final = 2 * HALF
CANDIDATES: Final = 200
EXACT_BELOW: Final = 10_000
K1: Final = 1.2
B: Final = 0.75

# `ask`: the question; `terms`: its stems with their weights in each configuration present;
# `lexical`: BM25 as a share of what is possible; `near`: HNSW candidates, only for large indexes;
# `pool`: the best of both, bounded. The sub-select in LIMIT widens the HNSW search for this
# statement only: it is evaluated before the index scan begins.
_SEARCH: Final = """
WITH ask AS MATERIALIZED (
    SELECT %(vector)s::halfvec(384) AS vector
), totals AS MATERIALIZED (
    SELECT search_config, chunks::float8 AS chunks, terms::float8 / chunks AS mean,
           sum(chunks) OVER () AS everything
    FROM knowledge_indexstatistics WHERE chunks > 0
), terms AS MATERIALIZED (
    SELECT totals.search_config, totals.mean, word.term,
           ln(1 + (totals.chunks - found.documents + 0.5) / (found.documents + 0.5)) AS weight
    FROM totals
    CROSS JOIN LATERAL unnest(
        tsvector_to_array(to_tsvector(totals.search_config::regconfig, %(subject)s))
    ) AS word(term)
    CROSS JOIN LATERAL (
        SELECT count(*)::float8 AS documents FROM knowledge_posting posting
        WHERE posting.search_config = totals.search_config AND posting.term = word.term
    ) AS found
), ceilings AS (
    SELECT search_config, sum(weight) * (%(k1)s + 1) AS ceiling FROM terms GROUP BY search_config
), lexical AS MATERIALIZED (
    SELECT posting.chunk_id,
           sum(terms.weight * posting.frequency * (%(k1)s + 1) / (
               posting.frequency + %(k1)s * (1 - %(b)s + %(b)s * chunk.terms / terms.mean)
           )) / max(ceilings.ceiling) AS share
    FROM terms
    JOIN ceilings USING (search_config)
    JOIN knowledge_posting posting
        ON posting.search_config = terms.search_config AND posting.term = terms.term
    JOIN knowledge_chunk chunk ON chunk.id = posting.chunk_id
    GROUP BY posting.chunk_id
), scope AS (
    SELECT coalesce(max(everything), 0) < %(exact_below)s OR %(is_filtered)s AS is_exact FROM totals
), near AS (
    (SELECT chunk.id FROM knowledge_chunk chunk
     WHERE chunk.is_live AND NOT (SELECT is_exact FROM scope)
     ORDER BY chunk.embedding <=> (SELECT vector FROM ask)
     LIMIT (SELECT %(candidates)s FROM (
         SELECT set_config('hnsw.ef_search', %(candidates)s::text, true)) AS wide))
    UNION
    (SELECT chunk_id FROM lexical WHERE NOT (SELECT is_exact FROM scope)
     ORDER BY share DESC, chunk_id LIMIT %(candidates)s)
    UNION ALL
    (SELECT chunk.id FROM knowledge_chunk chunk
     JOIN knowledge_document document ON document.id = chunk.document_id
     WHERE chunk.is_live AND (SELECT is_exact FROM scope)
       AND (%(collections)s::text[] IS NULL OR document.collection = ANY(%(collections)s))
       AND NOT document.id = ANY(%(excluded)s::uuid[]))
), placed AS (
    SELECT chunk.id, chunk.document_id, 1 - (chunk.embedding <=> ask.vector) AS cosine,
           coalesce(lexical.share, 0) AS share,
           row_number() OVER (ORDER BY chunk.embedding <=> ask.vector, chunk.id) AS by_meaning,
           row_number() OVER (ORDER BY lexical.share DESC NULLS LAST, chunk.id) AS by_words
    FROM near JOIN knowledge_chunk chunk USING (id) CROSS JOIN ask
    LEFT JOIN lexical ON lexical.chunk_id = chunk.id
), pool AS MATERIALIZED (
    SELECT * FROM placed
    WHERE by_meaning <= %(half)s OR by_words <= %(half)s AND share > 0
)
SELECT chunk.id, chunk.document_id, document.title, chunk.heading, chunk.page, chunk.text,
       chunk.start, chunk."end", chunk.position, pool.cosine, pool.share, chunk.search_config,
       (SELECT array_agg(ARRAY[term, weight::text]) FROM terms
        WHERE terms.search_config = chunk.search_config) AS terms,
       sentences.kinds, sentences.texts, sentences.starts, sentences.ends, sentences.traits,
       sentences.cosines, sentences.stems
FROM pool
JOIN knowledge_chunk chunk ON chunk.id = pool.id
JOIN knowledge_document document ON document.id = pool.document_id
CROSS JOIN LATERAL (
    SELECT array_agg(s.kind ORDER BY s.position) AS kinds,
           array_agg(s.text ORDER BY s.position) AS texts,
           array_agg(s.start ORDER BY s.position) AS starts,
           array_agg(s."end" ORDER BY s.position) AS ends,
           array_agg(s.traits ORDER BY s.position) AS traits,
           array_agg(1 - (s.embedding <=> ask.vector) ORDER BY s.position) AS cosines,
           array_agg(array_to_string(s.lexemes, ' ') ORDER BY s.position) AS stems
    FROM knowledge_sentence s CROSS JOIN ask WHERE s.chunk_id = pool.id
) AS sentences
"""


@dataclass(frozen=True, slots=True)
class FoundSentence:
    """A sentence of a candidate, with what search knows about it."""

    kind: str
    text: str
    start: int
    end: int
    traits: int
    cosine: float
    matched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage in the pool, not yet scored; `weights` are the question's terms with their idf."""

    chunk_id: UUID
    document_id: UUID
    title: str
    heading: str
    page: int | None
    text: str
    start: int
    end: int
    position: int
    cosine: float
    share: float
    weights: dict[str, float]
    headings: tuple[FoundSentence, ...]
    sentences: tuple[FoundSentence, ...]


_CANDIDATE_COLUMNS: Final = (
    *("chunk_id", "document_id", "title", "heading", "page", "text", "start", "end"),
    *("position", "cosine", "share"),
)


def candidates_find(
    *, query: str, vector: NDArray[np.float32], visible: SearchFilter
) -> list[Candidate]:
    """Return the passages worth scoring, at most 40, in one round trip, in no order."""
    parameters: dict[str, Any] = {
        "vector": f"[{','.join(map(str, vector.tolist()))}]",
        "subject": searchable(question_subject(query)),
        "k1": K1,
        "b": B,
        "candidates": CANDIDATES,
        "exact_below": EXACT_BELOW,
        "half": HALF,
        "collections": list(visible.collections) or None,
        "excluded": list(visible.excluded_documents),
        "is_filtered": bool(visible.collections or visible.excluded_documents),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEARCH, parameters)
        return [_candidate(row) for row in cursor.fetchall()]


def _candidate(row: Sequence[Any]) -> Candidate:
    weights = {term: float(weight) for term, weight in row[12] or ()}
    found = [
        _sentence(facts, frozenset(weights.keys() & set(facts[-1].split(" "))))
        for facts in zip(*(column or () for column in row[13:20]), strict=True)
    ]
    facts = dict(zip(_CANDIDATE_COLUMNS, row, strict=False))
    return Candidate(
        **facts,
        weights=weights,
        headings=tuple(sentence for sentence in found if sentence.kind == SentenceKind.HEADING),
        sentences=tuple(sentence for sentence in found if sentence.kind != SentenceKind.HEADING),
    )


def _sentence(facts: Sequence[Any], matched: frozenset[str]) -> FoundSentence:
    kind, text, start, end, traits, cosine, _ = facts
    return FoundSentence(kind, text, start, end, traits, float(cosine), matched)
