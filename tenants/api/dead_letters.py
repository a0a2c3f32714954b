"""`/api/v1/dead-letters`: what could not be delivered in this workspace, and trying it again."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.events.dead_letters import dead_letter_list, dead_letters_redrive
from core.events.models import DeadLetter
from core.idempotency.types import Repeat
from tenants.serializers import (
    DeadLetterChoice,
    DeadLetterSerializer,
    RedriveBody,
    RedrivenSerializer,
)


class DeadLetterPagination(CursorPagination):
    """Pages by when the event happened, the latest first."""

    orders = ("-occurred_at",)


@extend_schema(
    tags=["events"],
    parameters=[
        OpenApiParameter("subscriber", description="Only of this subscriber."),
        OpenApiParameter("since", OpenApiTypes.DATETIME, description="Of events from then on."),
        OpenApiParameter("until", OpenApiTypes.DATETIME, description="Of events before then."),
    ],
)
class DeadLetterListView(ListAPIView[DeadLetter]):
    """List the workspace's events that a part of Frontdesk could not take in, latest first."""

    required_scope = "audit:read"
    serializer_class = DeadLetterSerializer
    pagination_class = DeadLetterPagination
    queryset = DeadLetter.objects.none()

    def get_queryset(self) -> QuerySet[DeadLetter]:
        names = ("subscriber", "since", "until")
        asked = self.request.query_params
        query = DeadLetterChoice(data={name: asked[name] for name in names if name in asked})
        query.is_valid(raise_exception=True)
        chosen: dict[str, Any] = query.validated_data
        return dead_letter_list(**chosen)


class DeadLetterRedriveView(APIView):
    """Put dead letters back in line."""

    required_scope = "settings:write"
    repeat = Repeat.ATOMIC

    @extend_schema(
        operation_id="dead_letters_redrive",
        tags=["events"],
        request=RedriveBody,
        responses={200: RedrivenSerializer},
    )
    def post(self, request: Request) -> Response:
        """Deliver again what fits, with fresh attempts: the oldest 1,000 at a time."""
        body = RedriveBody(data=request.data)
        body.is_valid(raise_exception=True)
        count = dead_letters_redrive(**body.validated_data)
        return Response(RedrivenSerializer({"redriven": count}).data)
