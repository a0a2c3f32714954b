"""What can be asked of the knowledge base."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from core.observability.metrics import retrieval_duration_seconds
from knowledge.errors import DocumentUnknown, PassageUnknown
from knowledge.models import Chunk, Document
from knowledge.questions import question_text, question_vector
from knowledge.scoring import ScoredPassage, passages_score, support_score
from knowledge.searching import POOL, candidates_find
from knowledge.types import DocumentState, Passage, SearchFilter, SearchResult, Sentence

EVERYTHING: Final = SearchFilter()
# How much of the document is shown around a cited passage.
CONTEXT_CHARACTERS: Final = 1500


@dataclass(frozen=True, slots=True)
class SourceView:
    """A cited passage in its surroundings, cut where the quote begins and ends."""

    title: str
    heading: str
    page: int | None
    before: str
    quote: str
    after: str
    is_cut_before: bool
    is_cut_after: bool


def passages_search(
    *,
    query: str,
    limit: int = 8,
    threshold: float = 0.0,
    filter: SearchFilter = EVERYTHING,  # noqa: A002 - the word callers know
) -> SearchResult:
    """Return the passages most likely to answer, at most 40, and how likely they do.

    Scores are calibrated probabilities that depend on neither `limit` nor `threshold`: a higher
    threshold gives a subset, a higher limit never reorders. A question beyond 8,000 characters is
    read as far as that. One embedding and one database round trip.
    """
    question = question_text(query)
    if not question:
        return SearchResult(query, (), 0.0, 0.0, 0.0)
    started = time.perf_counter()
    vector = question_vector(question)
    embedded = time.perf_counter()
    candidates = candidates_find(query=question, vector=vector, visible=filter)
    scored = passages_score(question, candidates)
    support = support_score(question, scored)
    kept = [found for found in scored if found.score >= threshold]
    finished = time.perf_counter()
    retrieval_duration_seconds.labels(stage="embed").observe(embedded - started)
    retrieval_duration_seconds.labels(stage="search").observe(finished - embedded)
    return SearchResult(
        query=query,
        passages=tuple(_passage(found) for found in kept[: max(0, min(limit, POOL))]),
        support=support,
        embed_ms=(embedded - started) * 1000,
        search_ms=(finished - embedded) * 1000,
    )


def _passage(scored: ScoredPassage) -> Passage:
    candidate = scored.candidate
    sentences = tuple(
        Sentence(own.found.text, own.found.start, own.found.end, own.score)
        for own in scored.sentences
    )
    return Passage(
        chunk_id=candidate.chunk_id,
        document_id=candidate.document_id,
        title=candidate.title,
        heading=candidate.heading,
        text=candidate.text,
        start=candidate.start,
        end=candidate.end,
        score=scored.score,
        sentences=sentences,
        url=source_url(candidate.chunk_id),
        explanation=asdict(scored.signals),
    )


def source_url(chunk_id: UUID, start: int | None = None, end: int | None = None) -> str:
    """Return the address visitors open a citation at, on the tenant's host."""
    path = reverse("knowledge:source", args=[chunk_id], urlconf=settings.ROOT_URLCONF)
    return path if start is None else f"{path}?s={start}&e={end}"


def document_list(*, state: str = "", collection: str = "") -> QuerySet[Document]:
    """Return documents newest first, without their text, each with its number of passages."""
    documents = (
        Document.objects.defer("text")
        .annotate(chunk_count=Count("chunks", filter=Q(chunks__is_live=True)))
        .order_by("-created_at", "-id")  # grouping drops the model's own order
    )
    if state:
        documents = documents.filter(state=state)
    return documents.filter(collection=collection) if collection else documents


def document_get(*, document_id: UUID) -> Document:
    """Return one document, without its text; raises DocumentUnknown."""
    document = document_list().filter(pk=document_id).first()
    if document is None:
        raise DocumentUnknown()
    return document


def document_states() -> dict[str, int]:
    """Return how many documents stand in each state."""
    return dict(Counter(Document.objects.values_list("state", flat=True)))


def documents_exist() -> bool:
    """Return whether the AI has anything to answer from."""
    return Document.objects.filter(live_version__gt=0).exists()


def documents_working() -> bool:
    """Return whether any document is still on its way through the pipeline."""
    ended = [DocumentState.READY.value, DocumentState.FAILED.value]
    return Document.objects.exclude(state__in=ended).exists()


def chunk_list(*, document_id: UUID) -> QuerySet[Chunk]:
    """Return a document's live passages in order, without vectors."""
    chunks = Chunk.objects.filter(document_id=document_id, is_live=True)
    return chunks.defer("embedding").order_by("position")


def collection_list() -> list[str]:
    """Return the names of collections in use."""
    named = Document.objects.exclude(collection="").order_by("collection")
    return list(named.values_list("collection", flat=True).distinct())


def source_view(*, chunk_id: UUID, start: int | None, end: int | None) -> SourceView:
    """Return the text around a cited passage; offsets outside of it fall back to the whole.

    Only live passages are shown. Raises PassageUnknown.
    """
    chunk = (
        Chunk.objects.defer("embedding")
        .select_related("document")
        .filter(pk=chunk_id, is_live=True)
        .first()
    )
    if chunk is None:
        raise PassageUnknown()
    is_inside = start is not None and end is not None and chunk.start <= start < end <= chunk.end
    first, last = (start, end) if is_inside else (chunk.start, chunk.end)
    return _source_cut(chunk, int(first or 0), int(last or 0))


def _source_cut(chunk: Chunk, start: int, end: int) -> SourceView:
    text = chunk.document.text
    low = max(0, chunk.start - CONTEXT_CHARACTERS)
    high = min(len(text), chunk.end + CONTEXT_CHARACTERS)
    return SourceView(
        title=chunk.document.title,
        heading=chunk.heading,
        page=chunk.page,
        before=text[low:start],
        quote=text[start:end],
        after=text[end:high],
        is_cut_before=low > 0,
        is_cut_after=high < len(text),
    )
