"""Write the search index: sentence lexemes, postings, statistics. Postgres does the stemming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar
from uuid import UUID

from django.db import connection

from knowledge.lexical import searchable
from knowledge.models import Chunk, Document, DocumentContent, Posting, Sentence

BATCH: Final = 500
T = TypeVar("T")

_LEXEMES: Final = """
    SELECT tsvector_to_array(to_tsvector(%s::regconfig, body))
    FROM unnest(%s::text[]) WITH ORDINALITY AS given(body, position) ORDER BY position
"""

_POSTINGS: Final = """
    INSERT INTO knowledge_posting (search_config, term, chunk_id, frequency)
    SELECT given.config, word.lexeme, given.id, least(cardinality(word.positions), 32767)
    FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS given(id, config, body),
         unnest(to_tsvector(given.config::regconfig, given.body)) AS word
    ON CONFLICT DO NOTHING
"""

_LENGTHS: Final = """
    UPDATE knowledge_chunk AS chunk SET terms = counted.terms, is_live = true
    FROM (
        SELECT chunk_id, sum(frequency) AS terms FROM knowledge_posting
        WHERE chunk_id = ANY(%s) GROUP BY chunk_id
    ) AS counted
    WHERE chunk.id = counted.chunk_id
"""

_STATISTICS: Final = """
    INSERT INTO knowledge_indexstatistics AS total (search_config, chunks, terms)
    SELECT search_config, %(sign)s * count(*), %(sign)s * coalesce(sum(terms), 0)
    FROM knowledge_chunk WHERE document_id = %(document)s AND is_live GROUP BY search_config
    ON CONFLICT (search_config) DO UPDATE
    SET chunks = total.chunks + excluded.chunks, terms = total.terms + excluded.terms
"""


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield the items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def lexemes(texts: Sequence[str], search_config: str) -> list[list[str]]:
    """Return the distinct stems of each text."""
    if not texts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LEXEMES, [search_config, [searchable(text) for text in texts]])
        return [list(row[0]) for row in cursor.fetchall()]


def index_add(document_id: UUID, version: int) -> None:
    """Make a version's passages visible to search. Needs the caller's transaction."""
    rows = Chunk.objects.filter(document_id=document_id, version=version)
    for chunks in batches(list(rows.values_list("id", "search_config", "heading", "text"))):
        ids = [row[0] for row in chunks]
        bodies = [searchable(f"{row[2]}\n{row[3]}") for row in chunks]
        with connection.cursor() as cursor:
            cursor.execute(_POSTINGS, [ids, [row[1] for row in chunks], bodies])
            cursor.execute(_LENGTHS, [ids])
    # A passage without a single term is still found by its meaning.
    rows.filter(is_live=False).update(is_live=True)
    _statistics_change(document_id, 1)


def index_remove(document_id: UUID) -> None:
    """Take a document out of the index. Needs the caller's transaction."""
    _statistics_change(document_id, -1)
    Posting.objects.filter(chunk__document_id=document_id, chunk__is_live=True).delete()
    Chunk.objects.filter(document_id=document_id, is_live=True).update(is_live=False)


def _statistics_change(document_id: UUID, sign: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STATISTICS, {"sign": sign, "document": document_id})


def chunks_delete(document_id: UUID, *, except_version: int | None = None) -> None:
    """Delete passages and what hangs on them, three statements whatever their number."""
    doomed = Chunk.objects.filter(document_id=document_id)
    if except_version is not None:
        doomed = doomed.exclude(version=except_version)
    Posting.objects.filter(chunk__in=doomed).delete()
    Sentence.objects.filter(chunk__in=doomed)._raw_delete(doomed.db)
    doomed._raw_delete(doomed.db)


def document_rows_delete(document_id: UUID) -> None:
    """Delete a document with everything that belongs to it."""
    chunks_delete(document_id)
    DocumentContent.objects.filter(document_id=document_id).delete()
    Document.objects.filter(pk=document_id).delete()
