"""Bring many texts into the current workspace by the pipeline's own steps, without a file each."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from uuid import UUID

from knowledge.evaluation.corpus import EvaluationDocument
from knowledge.extraction.readers import READERS
from knowledge.lexical import language_detect
from knowledge.models import Document, DocumentContent
from knowledge.pipeline import document_ingest
from knowledge.types import DocumentFormat, DocumentState


def documents_load(documents: Sequence[EvaluationDocument]) -> dict[UUID, str]:
    """Split, embed and publish the documents; returns the corpus' id of each of ours.

    Only the child process that opens foreign files is left out: these are texts. A document
    without any letter is left out of the index.
    """
    known: dict[UUID, str] = {}
    for number, document in enumerate(documents, start=1):
        known[_document_load(number, document)] = document.id
        if number % 200 == 0:
            sys.stderr.write(f"{number} of {len(documents)} documents are in\n")
    return known


def _document_load(number: int, document: EvaluationDocument) -> UUID:
    kind = DocumentFormat.MARKDOWN if document.title else DocumentFormat.TEXT
    text = f"# {document.title}\n\n{document.text}" if document.title else document.text
    content = text.encode(errors="replace")
    extracted = READERS[kind](content)
    row = Document.objects.create(
        title=(document.title or document.id)[:200],
        filename=f"{number:07}.{kind.value}",
        format=kind.value,
        collection=group_name(document.group),
        content_hash=hashlib.sha256(f"{number}\n{text}".encode(errors="replace")).hexdigest(),
        size_bytes=len(content),
        language=language_detect(text),
        state=DocumentState.CHUNKING.value,
    )
    DocumentContent.objects.create(document=row, original=b"", extracted=extracted.to_wire())
    document_ingest(row.pk)
    return row.pk


def group_name(group: str) -> str:
    """Return the collection of a group; names too long for one are told apart by their hash."""
    if len(group) <= 80:
        return group
    return hashlib.sha256(group.encode()).hexdigest()
