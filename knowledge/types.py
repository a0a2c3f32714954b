"""What the knowledge app gives to others, and its vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class DocumentState(StrEnum):
    """Where a document stands in the pipeline."""

    QUEUED = "queued"
    EXTRACTING = "extracting"
    CHUNKING = "chunking"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"


class DocumentFormat(StrEnum):
    """The formats the pipeline reads."""

    PDF = "pdf"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "md"
    TEXT = "txt"
    FAQ = "csv"


class SentenceKind(StrEnum):
    """What a sentence is in its document; a heading or a question helps to find, never answers."""

    HEADING = "heading"
    QUESTION = "question"
    PROSE = "prose"
    ITEM = "item"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage.

    `start` and `end` are offsets in the document's extracted text; `score` is the calibrated
    probability, 0 to 1, that the sentence answers the query.
    """

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document as retrieved for a query; `score` means the same at every threshold."""

    chunk_id: UUID
    document_id: UUID
    title: str
    heading: str
    text: str
    start: int
    end: int
    score: float
    sentences: tuple[Sentence, ...]
    url: str
    explanation: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Passages best first; `support` is the calibrated probability that they answer the query."""

    query: str
    passages: tuple[Passage, ...]
    support: float
    embed_ms: float
    search_ms: float


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a search may see; applied inside the query, before anything is ranked."""

    collections: tuple[str, ...] = ()
    excluded_documents: tuple[UUID, ...] = ()
