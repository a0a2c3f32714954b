"""Documents, their passages and sentences, and the index that search reads.

All of it lives in the tenant's schema. A passage becomes visible to search when its document's
version is published (`Chunk.is_live`), in the transaction that retires the version before.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, HnswIndex

from core.embedding import DIMENSIONS
from core.identifiers import uuid7
from knowledge.types import DocumentFormat, DocumentState, SentenceKind


class Document(models.Model):
    """A file or page the AI may answer from; `text` is what was read out of its live version."""

    State = DocumentState

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=200)
    filename = models.CharField(max_length=200)
    format = models.CharField(max_length=8, choices=[(f.value, f.value) for f in DocumentFormat])
    collection = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=8, blank=True)
    state = models.CharField(
        max_length=12,
        choices=[(state.value, state.value) for state in DocumentState],
        default=DocumentState.QUEUED.value,
    )
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveIntegerField()
    source_url = models.URLField(max_length=2000, blank=True)
    version = models.PositiveIntegerField(default=1)
    live_version = models.PositiveIntegerField(default=0)
    text = models.TextField(blank=True)
    uploaded_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["filename"], name="document_by_filename"),
            models.UniqueConstraint(
                fields=["content_hash"],
                name="document_by_content",
                condition=~Q(content_hash=""),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="document_newest"),
            models.Index(fields=["collection"], name="document_by_collection"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_working(self) -> bool:
        """Return whether the pipeline has still something to do."""
        return self.state not in {DocumentState.READY, DocumentState.FAILED}

    @property
    def is_live(self) -> bool:
        """Return whether search sees some version of the document."""
        return self.live_version > 0

    @property
    def percent(self) -> int:
        """Return how much of the whole pipeline is done, 0 to 100."""
        return _percent(DocumentState(self.state), self.progress_done, self.progress_total)


def _percent(state: DocumentState, done: int, total: int) -> int:
    begins = {
        DocumentState.QUEUED: (0, 0),
        DocumentState.EXTRACTING: (5, 5),
        DocumentState.CHUNKING: (15, 15),
        DocumentState.EMBEDDING: (20, 98),
        DocumentState.READY: (100, 100),
        DocumentState.FAILED: (0, 0),
    }
    low, high = begins[state]
    return low + (high - low) * done // total if total else low


class DocumentContent(models.Model):
    """The original bytes, and what the pipeline has read out of them so far."""

    document = models.OneToOneField(
        Document, on_delete=models.CASCADE, primary_key=True, related_name="content"
    )
    original = models.BinaryField()
    extracted = models.JSONField(null=True)

    class Meta:
        verbose_name = _("document content")

    def __str__(self) -> str:
        return str(self.document_id)


class Chunk(models.Model):
    """A passage: what is retrieved and cited. Offsets are in its document version's text."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    heading = models.CharField(max_length=1000, blank=True)
    page = models.PositiveIntegerField(null=True)
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    token_count = models.PositiveIntegerField()
    language = models.CharField(max_length=8)
    search_config = models.CharField(max_length=20)
    terms = models.PositiveIntegerField(default=0)
    embedding_hash = models.CharField(max_length=64)
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)
    is_live = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("passage")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "version", "position"], name="chunk_once_per_version"
            )
        ]
        indexes = [
            HnswIndex(
                fields=["embedding"],
                name="chunk_embedding",
                m=16,
                ef_construction=64,
                opclasses=["halfvec_cosine_ops"],
                condition=Q(is_live=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id} #{self.position}"


class Sentence(models.Model):
    """A sentence of a passage, embedded when the document comes in, not when a question does.

    The headings above a passage are kept with it as sentences too: they help to find it.
    """

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="sentences")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in SentenceKind])
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    traits = models.PositiveIntegerField(default=0)
    lexemes = ArrayField(models.TextField(), default=list)
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)

    class Meta:
        verbose_name = _("sentence")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["chunk", "position"], name="sentence_once_per_chunk")
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id}.{self.position}"


class Posting(models.Model):
    """How often a term stands in a live passage: the inverted index behind BM25."""

    pk = models.CompositePrimaryKey("search_config", "term", "chunk")
    search_config = models.CharField(max_length=20)
    term = models.TextField()
    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="+")
    frequency = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("posting")

    def __str__(self) -> str:
        return f"{self.term} in {self.chunk_id}"


class IndexStatistics(models.Model):
    """Size of the live index per search configuration, kept in step by each publication."""

    search_config = models.CharField(max_length=20, primary_key=True)
    chunks = models.BigIntegerField(default=0)
    terms = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("index statistics")
        verbose_name_plural = _("index statistics")

    def __str__(self) -> str:
        return f"{self.search_config}: {self.chunks}"
