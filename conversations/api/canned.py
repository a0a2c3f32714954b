"""`/api/v1/canned-replies`: texts that agents say often."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import services
from conversations.canned import canned_reply_list
from conversations.models import CannedReply
from conversations.serializers import CannedReplyBody, CannedReplySerializer
from core.api import CursorPagination
from core.idempotency.types import Repeat
from tenants.tokens.authentication import membership_of

QUERY_LENGTH = 200


class CannedReplyPagination(CursorPagination):
    """In the order of their shortcuts."""

    orders = ("shortcut",)


def _body(request: Request) -> dict[str, Any]:
    body = CannedReplyBody(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@extend_schema(tags=["conversations"])
class CannedReplyListView(ListAPIView[CannedReply]):
    """List everybody's canned replies and the caller's own, or add one for everybody."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "conversations:read",
        "POST": "settings:write",
    }
    serializer_class = CannedReplySerializer
    pagination_class = CannedReplyPagination
    queryset = CannedReply.objects.none()

    def get_queryset(self) -> QuerySet[CannedReply]:
        membership = membership_of(self.request)
        return canned_reply_list(
            person_id=membership.person_id if membership else None,
            query=self.request.query_params.get("search", "")[:QUERY_LENGTH],
        )

    @extend_schema(
        parameters=[
            OpenApiParameter("search", str, description="Words of the shortcut or the text.")
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(request=CannedReplyBody, responses={201: CannedReplySerializer})
    def post(self, request: Request) -> Response:
        made = services.canned_reply_create(owner_id=None, may_share=True, **_body(request))
        return Response(CannedReplySerializer(made).data, status=201)


@extend_schema(tags=["conversations"])
class CannedReplyView(GenericAPIView[CannedReply]):
    """Change or delete one of everybody's canned replies."""

    repeat = Repeat.ATOMIC
    required_scope = "settings:write"
    serializer_class = CannedReplySerializer
    queryset = CannedReply.objects.none()

    @extend_schema(request=CannedReplyBody, responses={200: CannedReplySerializer})
    def put(self, request: Request, reply_id: UUID) -> Response:
        changed = services.canned_reply_update(
            reply_id=reply_id, person_id=None, may_share=True, **_body(request)
        )
        return Response(CannedReplySerializer(changed).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, reply_id: UUID) -> Response:
        services.canned_reply_delete(reply_id=reply_id, person_id=None, may_share=True)
        return Response(status=204)
