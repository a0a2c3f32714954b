"""REST of the knowledge base: documents and search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.idempotency.types import Repeat
from core.parsing import JsonParser
from knowledge import selectors, services
from knowledge.models import Document
from knowledge.serializers import (
    DocumentSerializer,
    DocumentUploadSerializer,
    SearchQuerySerializer,
    SearchResultSerializer,
)
from knowledge.types import DocumentState

SCOPES = {
    "GET": "knowledge:read",
    "POST": "knowledge:write",
    "DELETE": "knowledge:write",
}


class DocumentPagination(CursorPagination):
    """Newest documents first."""

    orders = ("-created_at", "-updated_at", "title")


@extend_schema(tags=["knowledge"])
class DocumentListView(ListAPIView[Document]):
    """List documents, newest first, or add one."""

    repeat = Repeat.ATOMIC
    required_scopes = SCOPES
    route_classes = {"POST": "upload"}
    serializer_class = DocumentSerializer
    pagination_class = DocumentPagination
    parser_classes = [MultiPartParser, JsonParser]
    queryset = Document.objects.none()

    def get_queryset(self) -> QuerySet[Document]:
        asked = self.request.query_params
        return selectors.document_list(
            state=asked.get("state", ""), collection=asked.get("collection", "")
        )

    @extend_schema(
        operation_id="documents_list",
        parameters=[
            OpenApiParameter("state", str, enum=[str(state) for state in DocumentState]),
            OpenApiParameter("collection", str),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="documents_create",
        request={
            "multipart/form-data": DocumentUploadSerializer,
            "application/json": DocumentUploadSerializer,
        },
        responses={202: DocumentSerializer},
    )
    def post(self, request: Request) -> Response:
        body = DocumentUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        document = _added(body.validated_data, uploader(request))
        shown = selectors.document_get(document_id=document.pk)
        return Response(DocumentSerializer(shown).data, status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["knowledge"])
class DocumentDetailView(APIView):
    """Return or delete one document."""

    repeat = Repeat.ATOMIC
    required_scopes = SCOPES

    @extend_schema(operation_id="documents_retrieve", responses=DocumentSerializer)
    def get(self, request: Request, document_id: UUID) -> Response:
        found = selectors.document_get(document_id=document_id)
        return Response(DocumentSerializer(found).data)

    @extend_schema(operation_id="documents_delete", responses={204: None})
    def delete(self, request: Request, document_id: UUID) -> Response:
        services.document_delete(document_id=document_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class KnowledgeSearchView(APIView):
    """Search the documents for passages that answer a question."""

    repeat = Repeat.HARMLESS
    required_scope = "knowledge:read"

    @extend_schema(
        operation_id="knowledge_search",
        tags=["knowledge"],
        request=SearchQuerySerializer,
        responses=SearchResultSerializer,
    )
    def post(self, request: Request) -> Response:
        body = SearchQuerySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        result = selectors.passages_search(**body.validated_data)
        return Response(SearchResultSerializer(result).data)


def _added(body: dict[str, Any], uploaded_by: UUID | None) -> Document:
    collection = body["collection"]
    if "url" in body:
        return services.document_from_url(
            url=body["url"], collection=collection, uploaded_by=uploaded_by
        )
    file = body["file"]
    services.size_check(file.size)
    return services.document_upload(
        filename=file.name, content=file.read(), collection=collection, uploaded_by=uploaded_by
    )


def uploader(request: Request) -> UUID | None:
    """Return the person behind the request; a key has none."""
    is_key = getattr(request, "auth", None) is not None
    pk = getattr(request.user, "pk", None)
    return None if is_key or not isinstance(pk, UUID) else pk
