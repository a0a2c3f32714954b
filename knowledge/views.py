"""Pages of the knowledge base: documents for staff, cited sources for visitors."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, ServiceUnavailable
from knowledge import selectors, services
from knowledge.errors import PassageUnknown
from knowledge.forms import RetrievalTestForm, UploadForm, UrlForm
from knowledge.models import Document
from tenants.errors import QuotaExceeded
from tenants.permissions import requires, scopes_for

PAGE_SIZE = 50
CHUNKS_SHOWN = 100


@require_safe
@requires("knowledge:read")
def documents(request: HttpRequest) -> HttpResponse:
    """List the documents, with what is needed to add more."""
    return _documents_page(request, UploadForm(), UrlForm())


@require_safe
@requires("knowledge:read")
def rows(request: HttpRequest) -> HttpResponse:
    """Give the list alone, which the page asks for again while documents are in the pipeline."""
    return render(request, "knowledge/_documents.html", _list_context(request))


@require_POST
@requires("knowledge:write")
def upload(request: HttpRequest) -> HttpResponse:
    """Take in files; each that is refused is named with its reason, the others go on."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _documents_page(request, form, UrlForm(), status=422)
    refusals = []
    for file in form.cleaned_data["documents"]:
        refusal = _file_take(request, file, form.cleaned_data["collection"])
        if refusal:
            refusals.append(refusal)
    taken = len(form.cleaned_data["documents"]) - len(refusals)
    if taken:
        counted = ngettext("%(n)d file is being read.", "%(n)d files are being read.", taken)
        messages.success(request, counted % {"n": taken})
    if refusals:
        return _documents_page(request, UploadForm(), UrlForm(), refusals=refusals, status=422)
    return redirect("knowledge:documents")


def _file_take(
    request: HttpRequest, file: UploadedFile[bytes], collection: str
) -> dict[str, str] | None:
    """Queue one file; returns why not, if it is refused."""
    name = file.name or ""
    try:
        services.size_check(file.size or 0)
        services.document_upload(
            filename=name,
            content=file.read(),
            collection=collection,
            uploaded_by=request.user.pk,
        )
    except DomainError as error:
        return {"name": name, "code": error.code, "detail": str(error.detail)}
    return None


@require_POST
@requires("knowledge:write")
def url_add(request: HttpRequest) -> HttpResponse:
    """Take in a page by its address."""
    form = UrlForm(request.POST)
    if not form.is_valid():
        return _documents_page(request, UploadForm(), form, status=422)
    try:
        services.document_from_url(**form.cleaned_data, uploaded_by=request.user.pk)
    except DomainError as error:
        form.add_error("url", str(error.detail))
        return _documents_page(request, UploadForm(), form, status=422)
    messages.success(request, _("The page is being fetched."))
    return redirect("knowledge:documents")


@require_safe
@requires("knowledge:read")
def document(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Show one document with its passages."""
    found = selectors.document_get(document_id=document_id)
    chunks = Paginator(selectors.chunk_list(document_id=document_id), CHUNKS_SHOWN)
    page = chunks.get_page(request.GET.get("page"))
    context = {"document": found, "page": page, **_rights(request)}
    return render(request, "knowledge/document.html", context)


@require_safe
@requires("knowledge:read")
def document_status(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Give a document's progress alone; reloads the page once it has ended."""
    found = selectors.document_get(document_id=document_id)
    response = render(request, "knowledge/_status.html", {"document": found, **_rights(request)})
    if not found.is_working:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@requires("knowledge:write")
def document_delete(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Delete a document."""
    services.document_delete(document_id=document_id)
    messages.success(request, _("The document is deleted. It is no longer answered from."))
    return redirect("knowledge:documents")


@require_POST
@requires("knowledge:write")
def document_retry(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Start a failed document again."""
    try:
        services.document_retry(document_id=document_id)
    except (QuotaExceeded, ServiceUnavailable) as error:
        messages.error(request, str(error.detail))
    return redirect("knowledge:document", document_id)


@require_safe
@requires("knowledge:read")
def test(request: HttpRequest) -> HttpResponse:
    """Let staff ask as a visitor would, and see which passages are found and why."""
    form = RetrievalTestForm(request.GET if "q" in request.GET else None)
    result = None
    if form.is_bound and form.is_valid():
        result = selectors.passages_search(
            query=form.cleaned_data["q"],
            limit=form.cleaned_data["limit"] or 8,
            threshold=form.cleaned_data["threshold"] or 0.0,
        )
    context = {"form": form, "result": result, "has_documents": selectors.documents_exist()}
    return render(request, "knowledge/test.html", context)


@require_safe
def source(request: HttpRequest, chunk_id: UUID) -> HttpResponse:
    """Show a cited passage to whoever follows the citation; the quoted sentence is marked."""
    try:
        found = selectors.source_view(
            chunk_id=chunk_id,
            start=_offset(request.GET.get("s")),
            end=_offset(request.GET.get("e")),
        )
    except PassageUnknown as error:
        return render(request, "knowledge/source_gone.html", {"error": error}, status=404)
    return render(request, "knowledge/source.html", {"source": found})


def _offset(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 9 else None


def _documents_page(
    request: HttpRequest,
    upload_form: UploadForm,
    url_form: UrlForm,
    *,
    refusals: list[dict[str, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **_list_context(request),
        "upload_form": upload_form,
        "url_form": url_form,
        "refusals": refusals or [],
        "collections": selectors.collection_list(),
    }
    return render(request, "knowledge/documents.html", context, status=status)


def _list_context(request: HttpRequest) -> dict[str, object]:
    found = selectors.document_list(collection=request.GET.get("collection", ""))
    page: Page[Document] = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "is_working": any(entry.is_working for entry in page.object_list),
        "query": request.GET.urlencode(),
        **_rights(request),
    }


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {"may_write": "knowledge:write" in scopes_for(request)}
