"""The pipeline: what it leaves behind, and that it survives repetition, death and new versions."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings
from pytest_httpserver import HTTPServer

from core import tenancy
from core.embedding import Vectors, embed
from core.events.models import OutboxEvent
from core.fetch import UrlForbidden
from core.tenancy import TenantContext
from knowledge import indexing, pipeline, selectors, services
from knowledge.errors import (
    ContentMismatch,
    DocumentUnknown,
    FilenameInvalid,
    FileTooLarge,
    PassageUnknown,
)
from knowledge.models import (
    Chunk,
    Document,
    DocumentContent,
    IndexStatistics,
    Posting,
    Sentence,
)
from knowledge.pipeline import document_ingest
from knowledge.types import DocumentState
from tests.knowledge.documents import RETURNS, ingested, pdf

CHANGED = RETURNS.replace(b"60 days", b"90 days")


def events(name: str) -> int:
    return OutboxEvent.objects.filter(name=name).count()


def statistics() -> tuple[int, int]:
    row = IndexStatistics.objects.get(search_config="english")
    return row.chunks, row.terms


def test_ingest_leaves_a_searchable_document(in_acme: TenantContext) -> None:
    document = ingested()

    assert (document.state, document.title, document.language) == ("ready", "Returns", "en")
    chunks = list(selectors.chunk_list(document_id=document.pk))
    assert [chunk.heading for chunk in chunks] == ["Returns", "Returns \u203a Refunds"]
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
    sentences = Sentence.objects.filter(chunk__document=document)
    assert all(document.text[s.start : s.end] == s.text for s in sentences)
    assert not sentences.filter(embedding=None).exists()
    assert events("ingest.doc.ingested") == 1


def test_ingest_again_changes_nothing(in_acme: TenantContext) -> None:
    document = ingested()
    before = (statistics(), Posting.objects.count(), Chunk.objects.count())

    document_ingest(document.pk)

    assert (statistics(), Posting.objects.count(), Chunk.objects.count()) == before
    assert events("ingest.doc.ingested") == 1


def test_ingest_goes_on_after_each_step_where_it_died(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What a killed worker looks like from inside."""

    document = services.document_upload(filename="r.md", content=RETURNS, uploaded_by=None)
    seen = []
    for _ in range(10):
        real = dict(pipeline.STEPS)

        def one_step(found: Document, steps: Any = real) -> None:
            steps[DocumentState(found.state)](found)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "STEPS", dict.fromkeys(real, one_step))
            try:
                document_ingest(document.pk)
            except Killed:
                document.refresh_from_db()
                seen.append(document.state)

    assert seen == ["extracting", "chunking", "embedding", "embedding", "ready"]
    assert events("ingest.doc.ingested") == 1
    assert Chunk.objects.filter(document=document, is_live=True).count() == 2


def test_same_content_again_is_the_same_document(in_acme: TenantContext) -> None:
    first = ingested()

    again = services.document_upload(filename="other.md", content=RETURNS, uploaded_by=None)

    assert again.pk == first.pk
    assert Document.objects.count() == 1


def test_new_version_replaces_the_old_when_it_is_ready(in_acme: TenantContext) -> None:
    first = ingested()
    second = services.document_upload(filename="returns.md", content=CHANGED, uploaded_by=None)

    assert second.pk == first.pk
    assert "60 days" in selectors.passages_search(query="return unworn").passages[0].text
    document_ingest(second.pk)
    found = selectors.passages_search(query="return unworn clothing")
    assert "90 days" in found.passages[0].text
    assert Chunk.objects.filter(document=first).count() == 2
    assert statistics()[0] == 2


def test_new_version_embeds_only_what_changed(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested()
    embedded: list[str] = []

    def noted(texts: list[str]) -> Vectors:
        embedded.extend(texts)
        return embed(texts)

    monkeypatch.setattr(pipeline, "embed", noted)

    ingested(content=CHANGED)

    assert any("90 days" in text for text in embedded)
    assert not any("five working days" in text for text in embedded)


def test_failed_version_leaves_the_one_before_in_use(in_acme: TenantContext) -> None:
    ingested("terms.pdf", pdf("Returns are accepted within 60 days of delivery."))
    failed = ingested("terms.pdf", pdf("x", password="secret"))

    assert (failed.state, failed.error_code) == ("failed", "document_encrypted")
    assert failed.is_live
    assert "60 days" in selectors.passages_search(query="returns accepted").passages[0].text
    assert events("ingest.doc.failed") == 1


def test_unexpected_error_is_recorded_and_can_be_retried(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "extract", lambda **_: 1 / 0)
        document = ingested()
    assert (document.state, document.error_code) == ("failed", "internal_error")

    services.document_retry(document_id=document.pk)
    document_ingest(document.pk)

    document.refresh_from_db()
    assert document.state == "ready"


def test_delete_removes_every_trace(in_acme: TenantContext) -> None:
    document = ingested()
    other = ingested("other.md", b"# Stores\n\nOur stores open at nine.")
    before = statistics()

    services.document_delete(document_id=document.pk)

    assert selectors.passages_search(query="refund").passages[0].document_id == other.pk
    for model in (Chunk, DocumentContent):
        assert not model.objects.filter(document_id=document.pk).exists()
    assert not Posting.objects.exclude(chunk__document=other).exists()
    assert statistics()[0] == before[0] - 2
    assert events("ingest.doc.deleted") == 1
    with pytest.raises(DocumentUnknown):
        services.document_delete(document_id=document.pk)


def test_delete_in_the_middle_ends_the_pipeline(in_acme: TenantContext) -> None:
    document = services.document_upload(filename="r.md", content=RETURNS, uploaded_by=None)
    services.document_delete(document_id=document.pk)

    document_ingest(document.pk)

    assert not Document.objects.exists()
    assert not Chunk.objects.exists()


def test_upload_refuses_before_anything_is_stored(in_acme: TenantContext) -> None:
    for filename, content, error in (
        ("a.pdf", b"MZ program", ContentMismatch),
        ("a.txt", b"x" * (services.MAX_UPLOAD_BYTES + 1), FileTooLarge),
        ("x" * 250 + ".txt", b"x", FilenameInvalid),
        ("../", b"x", FilenameInvalid),
    ):
        with pytest.raises(error):
            services.document_upload(filename=filename, content=content, uploaded_by=None)
    assert not Document.objects.exists()


def test_upload_keeps_only_the_name_of_a_path(in_acme: TenantContext) -> None:
    document = services.document_upload(
        filename="..\\..\\etc/passwd.txt", content=b"hello", uploaded_by=None
    )

    assert document.filename == "passwd.txt"


def test_page_is_fetched_by_the_pipeline(
    in_acme: TenantContext, httpserver: HTTPServer, settings: Settings
) -> None:
    settings.FETCH_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{httpserver.port}"]
    page = "<html><body><main><h1>Hours</h1><p>We open at nine.</p></main></body></html>"
    httpserver.expect_request("/hours").respond_with_data(page, content_type="text/html")

    document = services.document_from_url(
        url=httpserver.url_for("/hours").replace("localhost", "127.0.0.1"), uploaded_by=None
    )
    document_ingest(document.pk)

    document.refresh_from_db()
    assert (document.state, document.title) == ("ready", "Hours")
    assert document.size_bytes == len(page)


def test_private_page_is_refused_at_once(in_acme: TenantContext) -> None:
    with pytest.raises(UrlForbidden):
        services.document_from_url(url="http://169.254.169.254/latest/", uploaded_by=None)
    assert not Document.objects.exists()


def test_documents_stay_in_their_tenant(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        document = ingested()
        chunk = selectors.chunk_list(document_id=document.pk)[0]
    with tenancy.tenant_scope(globex):
        other = ingested("house.md", b"# House\n\nGlobex returns kettles within 14 days.")
        found = selectors.passages_search(query="How long can I return clothing?", limit=30)
        assert {passage.document_id for passage in found.passages} == {other.pk}
        with pytest.raises(DocumentUnknown):
            selectors.document_get(document_id=document.pk)
        with pytest.raises(PassageUnknown):
            selectors.source_view(chunk_id=chunk.pk, start=None, end=None)
        with pytest.raises(DocumentUnknown):
            services.document_delete(document_id=document.pk)


def test_lexemes_of_unspaced_script_are_pairs(in_acme: TenantContext) -> None:
    assert indexing.lexemes(["\u6211\u60f3\u9000\u8d27"], "simple") == [
        ["\u60f3\u9000", "\u6211\u60f3", "\u9000\u8d27"]
    ]
