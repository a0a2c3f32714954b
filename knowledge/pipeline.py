"""The way of a document: extract, split, embed, publish.

Each step commits its outcome and the state that follows, guarded by the version it worked on. A
task that dies is delivered again and goes on at the step that was not finished; a task that runs
twice does the same work twice and changes nothing; a new upload of the file overtakes both.
The version before stays searchable until the new one is published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from core import fetch
from core.embedding import Vectors, embed, token_counts
from core.errors import DomainError
from core.events import catalogue, publish
from core.observability.metrics import documents_ingested_total
from knowledge import indexing, quotas
from knowledge.errors import DocumentWithoutText, FormatUnsupported
from knowledge.extraction import Extracted, extract, format_sniff
from knowledge.lexical import language_detect, search_config
from knowledge.models import Chunk, Document, DocumentContent, Sentence
from knowledge.splitting import Piece, Span, document_text, pieces
from knowledge.traits import sentence_traits
from knowledge.types import DocumentFormat, DocumentState, SentenceKind

log = structlog.get_logger(__name__)

EMBED_BATCH: Final = 16
INTERNAL_ERROR: Final = "internal_error"
_FORMAT_OF_TYPE: Final = {
    "text/html": DocumentFormat.HTML,
    "application/xhtml+xml": DocumentFormat.HTML,
    "text/plain": DocumentFormat.TEXT,
    "text/markdown": DocumentFormat.MARKDOWN,
    "text/csv": DocumentFormat.FAQ,
    "application/pdf": DocumentFormat.PDF,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": DocumentFormat.DOCX,
}


def document_ingest(document_id: UUID) -> None:
    """Take the document through all steps that are left; ends READY, FAILED or deleted.

    Idempotent. Publishes DocumentIngested or DocumentFailed with the last step. A lost connection
    propagates, and nothing is lost with it.
    """
    while True:
        document = Document.objects.defer("text").filter(pk=document_id).first()
        step = STEPS.get(DocumentState(document.state)) if document else None
        if document is None or step is None:
            return
        try:
            step(document)
        except (OperationalError, InterfaceError):
            raise  # the database went away: the task is tried again
        except DomainError as error:
            document_fail(document, code=error.code, detail=str(error.detail))
        except Exception:
            log.exception("document_ingest_failed", document=str(document_id))
            document_fail(document, code=INTERNAL_ERROR, detail="")


def document_fail(document: Document, *, code: str, detail: str) -> None:
    """Record why this version cannot be read; an earlier version stays in use."""
    with transaction.atomic():
        changes = {
            "state": DocumentState.FAILED.value,
            "error_code": code,
            "error_detail": detail[:500],
        }
        if _advance(document, **changes):
            indexing.chunks_delete(document.pk, except_version=document.live_version)
            publish(catalogue.DocumentFailed(document_id=document.pk, code=code))
            transaction.on_commit(partial(quotas.document_let_go, document))
            documents_ingested_total.labels(outcome="failed").inc()


def _advance(document: Document, **changes: Any) -> bool:
    """Write changes if the document still stands where it was read; False when overtaken."""
    here = Document.objects.filter(pk=document.pk, version=document.version, state=document.state)
    return bool(here.update(**changes, updated_at=timezone.now()))


# --- extract


def _begin(document: Document) -> None:
    _advance(document, state=DocumentState.EXTRACTING.value, error_code="", error_detail="")


def _extract(document: Document) -> None:
    content, kind = _content_read(document)
    found = extract(kind=kind, content=content)
    text, _ = document_text(found.blocks)
    with transaction.atomic():
        is_current = _advance(
            document,
            state=DocumentState.CHUNKING.value,
            format=kind.value,
            title=found.title or document.title or PurePosixPath(document.filename).stem,
            language=language_detect(text),
        )
        if is_current:
            DocumentContent.objects.filter(pk=document.pk).update(extracted=found.to_wire())


def _content_read(document: Document) -> tuple[bytes, DocumentFormat]:
    content = bytes(DocumentContent.objects.values_list("original", flat=True).get(pk=document.pk))
    if content or not document.source_url:
        return content, DocumentFormat(document.format)
    return _content_fetch(document)


def _content_fetch(document: Document) -> tuple[bytes, DocumentFormat]:
    """Fetch the page a document is made from, and keep it as its original."""
    fetched = fetch.fetch(document.source_url)
    kind = _FORMAT_OF_TYPE.get(fetched.content_type)
    if kind is None:
        raise FormatUnsupported()
    format_sniff(filename=f"page.{kind.value}", content=fetched.content)
    digest = hashlib.sha256(fetched.content).hexdigest()
    twins = Document.objects.filter(content_hash=digest).exclude(pk=document.pk)
    with transaction.atomic():
        DocumentContent.objects.filter(pk=document.pk).update(original=fetched.content)
        Document.objects.filter(pk=document.pk, version=document.version).update(
            size_bytes=len(fetched.content), content_hash="" if twins.exists() else digest
        )
    return fetched.content, kind


def filename_of_url(url: str) -> str:
    """Return a name for what is at a URL: its host and path."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.hostname}{parts.path.rstrip('/')}{query}"[:200]


# --- split


def _split(document: Document) -> None:
    found = pieces(_extracted(document).blocks, token_counts)
    if not found:
        raise DocumentWithoutText()
    chunks = [_chunk(document, position, piece) for position, piece in enumerate(found)]
    sentences = _sentences(document, chunks, found)
    with transaction.atomic():
        is_current = _advance(
            document,
            state=DocumentState.EMBEDDING.value,
            progress_done=0,
            progress_total=len(chunks),
        )
        if not is_current:
            return
        indexing.chunks_delete(document.pk, except_version=document.live_version)
        Chunk.objects.bulk_create(chunks, batch_size=indexing.BATCH)
        Sentence.objects.bulk_create(sentences, batch_size=indexing.BATCH)


def _extracted(document: Document) -> Extracted:
    wire = DocumentContent.objects.values_list("extracted", flat=True).get(pk=document.pk)
    return Extracted.from_wire(wire or {"title": "", "blocks": []})


def _chunk(document: Document, position: int, piece: Piece) -> Chunk:
    return Chunk(
        document=document,
        version=document.version,
        position=position,
        heading=piece.heading[:1000],
        page=piece.page,
        text=piece.text,
        start=piece.start,
        end=piece.end,
        token_count=piece.token_count,
        language=document.language,
        search_config=search_config(document.language),
        embedding_hash=hashlib.sha256(piece.embedding_text.encode()).hexdigest(),
    )


def _sentences(
    document: Document, chunks: Sequence[Chunk], found: Sequence[Piece]
) -> list[Sentence]:
    """Make the passages' sentences, the headings above them first."""
    pairs = [
        (chunk, position, span)
        for chunk, piece in zip(chunks, found, strict=True)
        for position, span in enumerate([*piece.headings, *piece.spans])
    ]
    texts = [span.text for _, _, span in pairs]
    stems = indexing.lexemes(texts, search_config(document.language))
    return [
        _sentence(chunk, position, span, own)
        for (chunk, position, span), own in zip(pairs, stems, strict=True)
    ]


def _sentence(chunk: Chunk, position: int, span: Span, stems: list[str]) -> Sentence:
    return Sentence(
        chunk=chunk,
        position=position,
        kind=span.kind.value,
        text=span.text,
        start=span.start,
        end=span.end,
        traits=int(sentence_traits(span.text)),
        lexemes=stems,
    )


# --- embed


def _embed(document: Document) -> None:
    """Embed the next few passages, or publish the version when none is left."""
    versions = Chunk.objects.filter(document=document, version=document.version)
    waiting = versions.filter(embedding=None).order_by("position")[:EMBED_BATCH]
    chunks = list(waiting.prefetch_related("sentences"))
    if not chunks:
        _publish(document)
        return
    fresh = [chunk for chunk in chunks if not _reuse(document, chunk)]
    _vectors_fill(fresh)
    with transaction.atomic():
        Chunk.objects.bulk_update(chunks, ["embedding"])
        sentences = [sentence for chunk in chunks for sentence in chunk.sentences.all()]
        Sentence.objects.bulk_update(sentences, ["embedding"])
        done = versions.exclude(embedding=None).count()
        _advance(document, progress_done=done)


def _reuse(document: Document, chunk: Chunk) -> bool:
    """Take the vectors over from the live version where a passage has not changed."""
    twins = Chunk.objects.filter(
        document=document, version=document.live_version, embedding_hash=chunk.embedding_hash
    )
    twin = twins.prefetch_related("sentences").first()
    if twin is None:
        return False
    known = {sentence.text: sentence.embedding for sentence in twin.sentences.all()}
    if any(sentence.text not in known for sentence in chunk.sentences.all()):
        return False
    chunk.embedding = twin.embedding
    for sentence in chunk.sentences.all():
        sentence.embedding = known[sentence.text]
    return True


def _vectors_fill(chunks: Sequence[Chunk]) -> None:
    """Embed passages with their headings, and sentences on their own; each text once."""
    rows: list[tuple[Chunk | Sentence, str]] = [(chunk, embedding_text(chunk)) for chunk in chunks]
    for chunk in chunks:
        rows.extend((sentence, sentence.text) for sentence in chunk.sentences.all())
    texts = list(dict.fromkeys(text for _, text in rows))
    vectors: Vectors = embed(texts)
    places = {text: index for index, text in enumerate(texts)}
    for row, text in rows:
        row.embedding = vectors[places[text]]


def embedding_text(chunk: Chunk) -> str:
    """Return what a passage is embedded by."""
    path = [s.text for s in chunk.sentences.all() if s.kind == SentenceKind.HEADING]
    return f"{'. '.join(path)}\n{chunk.text}" if path else chunk.text


def _publish(document: Document) -> None:
    """Swap the new version in: one transaction, no moment without an answer."""
    text, _ = document_text(_extracted(document).blocks)
    with transaction.atomic():
        changes: dict[str, Any] = {
            "state": DocumentState.READY.value,
            "live_version": document.version,
            "text": text,
            "ready_at": timezone.now(),
            "progress_done": document.progress_total,
        }
        if not _advance(document, **changes):
            return
        indexing.index_remove(document.pk)
        indexing.index_add(document.pk, document.version)
        indexing.chunks_delete(document.pk, except_version=document.version)
        size = Document.objects.values_list("size_bytes", flat=True).get(pk=document.pk)
        publish(
            catalogue.DocumentIngested(
                document_id=document.pk, chunks=document.progress_total, bytes=size
            )
        )
        transaction.on_commit(partial(quotas.document_settle, document, size))
        documents_ingested_total.labels(outcome="ready").inc()


STEPS: Final[dict[DocumentState, Callable[[Document], None]]] = {
    DocumentState.QUEUED: _begin,
    DocumentState.EXTRACTING: _extract,
    DocumentState.CHUNKING: _split,
    DocumentState.EMBEDDING: _embed,
}
