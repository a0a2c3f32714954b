"""What can be done to documents. Each call is one transaction; the pipeline runs afterwards."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from core import fetch, tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.events import catalogue, publish
from core.tasks import enqueue
from core.uploads import filename_clean
from knowledge import indexing, quotas
from knowledge.errors import DocumentBusy, DocumentUnknown, FilenameInvalid, FileTooLarge
from knowledge.extraction import format_sniff
from knowledge.models import Document, DocumentContent
from knowledge.pipeline import filename_of_url
from knowledge.types import DocumentFormat, DocumentState
from tenants.admission.uploads import upload_place

MAX_UPLOAD_BYTES: Final = 20 * 1024 * 1024
MAX_FILENAME: Final = 200


def document_upload(
    *, filename: str, content: bytes, collection: str = "", uploaded_by: UUID | None
) -> Document:
    """Take in a file and queue its processing.

    Idempotent by content: the same bytes again give the document there is (a failed one is tried
    again). A known filename with other bytes is a new version of that document, which replaces the
    old one when it is ready. Holds the plan's quotas of documents and bytes. Raises the
    DocumentRefused family for what is wrong with the file, QuotaExceeded, ConcurrencyLimit, and
    ServiceUnavailable while nobody can count.
    """
    name = _filename_clean(filename)
    size_check(len(content))
    with upload_place():
        kind = format_sniff(filename=name, content=content)
        return _file_store(name, kind, content, collection, uploaded_by)


def _file_store(
    name: str, kind: DocumentFormat, content: bytes, collection: str, uploaded_by: UUID | None
) -> Document:
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        _uploads_serialise()
        known = Document.objects.select_for_update().filter(content_hash=digest).first()
        if known is not None:
            return _requeue_if_failed(known)
        document = _document_for(name)
        document.format, document.collection = kind.value, collection[:80]
        document.content_hash, document.size_bytes = digest, len(content)
        document.source_url, document.uploaded_by = "", uploaded_by
        return _version_begin(document, content)


def document_from_url(*, url: str, collection: str = "", uploaded_by: UUID | None) -> Document:
    """Queue a page for fetching and processing; the same URL again fetches it anew.

    Raises UrlInvalid, UrlForbidden, QuotaExceeded and ServiceUnavailable at once; what the server
    answers shows on the document.
    """
    fetch.url_check(url)
    with transaction.atomic():
        _uploads_serialise()
        document = _document_for(filename_of_url(url))
        if document.version and document.is_working:
            return document
        document.format, document.collection = DocumentFormat.HTML.value, collection[:80]
        document.content_hash, document.size_bytes = "", 0
        document.source_url, document.uploaded_by = url, uploaded_by
        return _version_begin(document, b"")


def document_retry(*, document_id: UUID) -> Document:
    """Start a failed document again from its original.

    Raises DocumentUnknown, DocumentBusy, QuotaExceeded and ServiceUnavailable.
    """
    with transaction.atomic():
        document = _locked(document_id)
        if document.is_working:
            raise DocumentBusy()
        return _requeue_if_failed(document)


def document_delete(*, document_id: UUID) -> None:
    """Remove a document, its original, passages and vectors; answers change from now on.

    Publishes DocumentDeleted. Raises DocumentUnknown.
    """
    with transaction.atomic():
        document = _locked(document_id)
        if document.is_working:
            quotas.document_let_go(document)
        indexing.index_remove(document.pk)
        indexing.document_rows_delete(document.pk)
        publish(catalogue.DocumentDeleted(document_id=document_id))
        act_record(act=Act.DOCUMENT_DELETED, target_kind="document", target_id=document_id)


def size_check(size: int) -> None:
    """Refuse a file by its size alone, before it is read into memory; raises FileTooLarge."""
    if size > MAX_UPLOAD_BYTES:
        raise FileTooLarge(f"{FileTooLarge.title} (20 MB)")


def _locked(document_id: UUID) -> Document:
    document = Document.objects.select_for_update().filter(pk=document_id).first()
    if document is None:
        raise DocumentUnknown()
    return document


def _filename_clean(filename: str) -> str:
    """Return the bare name: browsers and scripts may send a path."""
    name = filename_clean(filename)
    if not name or len(name) > MAX_FILENAME:
        raise FilenameInvalid()
    return name


def _uploads_serialise() -> None:
    """Let one upload of the tenant decide at a time what is a duplicate of what."""
    with connection.cursor() as cursor:
        key = tenancy.tenant_key("knowledge", "upload")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _document_for(name: str) -> Document:
    """Return the document of that name, or a new one which is not saved yet (version 0)."""
    known = Document.objects.select_for_update().filter(filename=name).first()
    return known or Document(filename=name, title=PurePosixPath(name).stem or name, version=0)


def _version_begin(document: Document, content: bytes) -> Document:
    if document.version and document.is_working:
        quotas.document_let_go(document)  # the version that this one overtakes
    document.version += 1
    document.state = DocumentState.QUEUED.value
    document.error_code = document.error_detail = ""
    document.progress_done = document.progress_total = 0
    document.updated_at = timezone.now()
    quotas.document_hold(document)
    document.save()
    DocumentContent.objects.update_or_create(
        document=document, defaults={"original": content, "extracted": None}
    )
    enqueue("knowledge.ingest", document_id=str(document.pk))
    return document


def _requeue_if_failed(document: Document) -> Document:
    if document.state != DocumentState.FAILED:
        return document
    document.version += 1  # what is left of the failed attempt can no longer write
    document.state = DocumentState.QUEUED.value
    document.error_code = document.error_detail = ""
    document.updated_at = timezone.now()
    quotas.document_hold(document)
    document.save(update_fields=["version", "state", "error_code", "error_detail", "updated_at"])
    enqueue("knowledge.ingest", document_id=str(document.pk))
    return document
