"""Pages: who may see and do what, refusals in words, and citations open to visitors."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from knowledge import selectors
from knowledge.models import Document
from tests.knowledge.documents import RETURNS, ingested

SignIn = Callable[..., Client]
PAGES = ["/knowledge/", "/knowledge/rows/", "/knowledge/test/"]


def upload(client: Client, *files: tuple[str, bytes]) -> object:
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post("/knowledge/upload/", {"documents": sent, "collection": "policies"})


@pytest.mark.parametrize("page", PAGES)
def test_page_needs_a_member(sign_in: SignIn, page: str) -> None:
    assert sign_in(role=None).get(page).status_code == 302
    assert sign_in(role="viewer").get(page).status_code == 200


@pytest.mark.parametrize("action", ["upload/", "url/"])
def test_writing_needs_the_scope(sign_in: SignIn, action: str) -> None:
    response = sign_in(role="viewer").post(f"/knowledge/{action}", {"url": "https://example.com/"})

    assert response.status_code == 403


def test_upload_takes_good_files_and_names_bad_ones(sign_in: SignIn, acme: TenantContext) -> None:
    client = sign_in()
    response = upload(client, ("returns.md", RETURNS), ("virus.pdf", b"MZ\x90"))

    page = response.content.decode()  # type: ignore[attr-defined]  # a test response
    assert response.status_code == 422  # type: ignore[attr-defined]  # a test response
    assert 'data-code="content_mismatch"' in page
    assert "a Windows program" in page
    with tenancy.tenant_scope(acme):
        assert list(Document.objects.values_list("filename", flat=True)) == ["returns.md"]


def test_private_url_is_a_form_error(sign_in: SignIn) -> None:
    response = sign_in().post("/knowledge/url/", {"url": "http://127.0.0.1/admin"})

    assert response.status_code == 422
    assert "private network" in response.content.decode()


def test_document_page_shows_passages_and_deletes(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        document = ingested()
    client = sign_in()

    page = client.get(f"/knowledge/documents/{document.pk}/").content.decode()
    assert "Boots worn outdoors can be exchanged once" in page
    response = client.post(f"/knowledge/documents/{document.pk}/delete/")
    assert response.status_code == 302
    assert client.get(f"/knowledge/documents/{document.pk}/").status_code == 404


def test_progress_is_polled_until_it_ends(sign_in: SignIn, acme: TenantContext) -> None:
    client = sign_in()
    upload(client, ("returns.md", RETURNS))
    with tenancy.tenant_scope(acme):
        document = Document.objects.get()
        status = f"/knowledge/documents/{document.pk}/status/"
        assert 'hx-trigger="every 1s"' in client.get(status).content.decode()
        assert 'hx-trigger="every 1s"' in client.get("/knowledge/rows/").content.decode()
        from knowledge.pipeline import document_ingest

        document_ingest(document.pk)
    response = client.get(status)
    assert response["HX-Refresh"] == "true"
    assert "hx-trigger" not in client.get("/knowledge/rows/").content.decode()


def test_retrieval_test_explains_scores(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        ingested()

    page = sign_in().get("/knowledge/test/", {"q": "return unworn clothing"}).content.decode()

    assert "Unworn clothing can be returned" in page
    assert 'data-value="support"' in page


def test_source_is_open_to_visitors_and_marks_the_quote(
    sign_in: SignIn, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        ingested()
        passage = selectors.passages_search(query="exchange worn boots").passages[0]
        quote = max(passage.sentences, key=lambda sentence: sentence.score)
    visitor = sign_in(role=None)

    page = visitor.get(f"{passage.url}?s={quote.start}&e={quote.end}").content.decode()
    assert f'<mark id="quote" tabindex="-1">{quote.text}</mark>' in page
    for query in ("?s=x&e=y", "?s=0&e=999999", "?s=9&e=2", ""):
        assert visitor.get(f"{passage.url}{query}").status_code == 200
    assert visitor.get(f"/knowledge/source/{uuid4()}/").status_code == 404


def test_source_of_another_tenant_is_not_found(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        document = ingested()
        chunk = selectors.chunk_list(document_id=document.pk)[0]

    other = sign_in("globex")
    assert other.get(f"/knowledge/source/{chunk.pk}/").status_code == 404
    assert other.get(f"/knowledge/documents/{document.pk}/").status_code == 404
    assert other.post(f"/knowledge/documents/{document.pk}/delete/").status_code == 404


def test_hostile_text_is_escaped(sign_in: SignIn, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        document = ingested("x.txt", b"Hello <script>alert(1)</script> world of returns.")
        chunk = selectors.chunk_list(document_id=document.pk)[0]

    page = sign_in().get(f"/knowledge/source/{chunk.pk}/").content.decode()
    assert "<script>alert" not in page
