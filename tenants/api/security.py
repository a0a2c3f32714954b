"""`/api/v1/security-events` and `/api/v1/blocks`: attacks here, and who is kept out."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.idempotency.types import Repeat
from tenants import selectors
from tenants.models import Block, SecurityEvent
from tenants.serializers import BlockSerializer, SecurityEventSerializer
from tenants.threats.blocks import block_lift


class LatestPagination(CursorPagination):
    """Pages by when something last happened."""

    orders = ("-last_at", "-first_at")


class StartPagination(CursorPagination):
    """Pages by when something began."""

    orders = ("-starts_at", "-ends_at")


@extend_schema(tags=["security"])
class SecurityEventListView(ListAPIView[SecurityEvent]):
    """List what looked like an attack, the latest first."""

    required_scope = "audit:read"
    serializer_class = SecurityEventSerializer
    pagination_class = LatestPagination
    queryset = SecurityEvent.objects.none()

    def get_queryset(self) -> QuerySet[SecurityEvent]:
        return selectors.security_event_list()


@extend_schema(tags=["security"])
class BlockListView(ListAPIView[Block]):
    """List the blocks that are on, the newest first."""

    required_scope = "audit:read"
    serializer_class = BlockSerializer
    pagination_class = StartPagination
    queryset = Block.objects.none()

    def get_queryset(self) -> QuerySet[Block]:
        return selectors.block_list()


class BlockDetailView(APIView):
    """Lift a block."""

    required_scope = "settings:write"
    repeat = Repeat.ATOMIC

    @extend_schema(
        operation_id="blocks_lift",
        tags=["security"],
        responses={204: OpenApiResponse(description="It is lifted.")},
    )
    def delete(self, request: Request, block_id: UUID) -> Response:
        block_lift(block_id=block_id)
        return Response(status=204)
