"""`/api/v1/notifications`: who is told that a visitor waits for a person."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors, services
from conversations.models import NotificationTarget
from conversations.serializers import NotificationTargetBody, NotificationTargetSerializer
from core.api import CursorPagination
from core.idempotency.types import Repeat


class TargetPagination(CursorPagination):
    """In the order they were added."""

    orders = ("created_at",)


@extend_schema(tags=["conversations"])
class TargetListView(ListAPIView[NotificationTarget]):
    """List who is told, or add somebody."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {"GET": "settings:read", "POST": "settings:write"}
    serializer_class = NotificationTargetSerializer
    pagination_class = TargetPagination
    queryset = NotificationTarget.objects.none()

    def get_queryset(self) -> QuerySet[NotificationTarget]:
        return selectors.notification_target_list()

    @extend_schema(request=NotificationTargetBody, responses={201: NotificationTargetSerializer})
    def post(self, request: Request) -> Response:
        body = NotificationTargetBody(data=request.data)
        body.is_valid(raise_exception=True)
        target = services.notification_target_add(**body.validated_data)
        return Response(NotificationTargetSerializer(target).data, status=201)


@extend_schema(tags=["conversations"])
class TargetView(GenericAPIView[Any]):
    """One of those who are told."""

    repeat = Repeat.ATOMIC
    required_scope = "settings:write"
    serializer_class = NotificationTargetSerializer
    queryset = NotificationTarget.objects.none()

    @extend_schema(responses={204: None})
    def delete(self, request: Request, target_id: UUID) -> Response:
        """Tell them no longer."""
        services.notification_target_remove(target_id=target_id)
        return Response(status=204)
