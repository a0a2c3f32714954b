"""`/api/v1/sla-policies` and `/api/v1/conversations/{id}/sla`: what is promised, and kept."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from conversations import selectors, services
from conversations.models import SlaPolicy, SlaTarget
from conversations.serializers import SlaPolicyBody, SlaPolicySerializer, SlaTargetSerializer
from core.api import CursorPagination
from core.idempotency.types import Repeat


class PolicyPagination(CursorPagination):
    """In the order they are looked through."""

    orders = ("position",)


@extend_schema(tags=["conversations"])
class PolicyListView(ListAPIView[SlaPolicy]):
    """List the service levels, or add one."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {"GET": "settings:read", "POST": "settings:write"}
    serializer_class = SlaPolicySerializer
    pagination_class = PolicyPagination
    queryset = SlaPolicy.objects.none()

    def get_queryset(self) -> QuerySet[SlaPolicy]:
        return selectors.sla_policy_list()

    @extend_schema(request=SlaPolicyBody, responses={201: SlaPolicySerializer})
    def post(self, request: Request) -> Response:
        body = SlaPolicyBody(data=request.data)
        body.is_valid(raise_exception=True)
        policy = services.policy_save(values=body.validated_data)
        return Response(SlaPolicySerializer(policy).data, status=201)


@extend_schema(tags=["conversations"])
class PolicyView(GenericAPIView[Any]):
    """One service level."""

    repeat = Repeat.ATOMIC
    required_scope = "settings:write"
    serializer_class = SlaPolicyBody
    queryset = SlaPolicy.objects.none()

    @extend_schema(request=SlaPolicyBody, responses={200: SlaPolicySerializer})
    def patch(self, request: Request, policy_id: UUID) -> Response:
        """Change what is given; what is promised already keeps its times."""
        body = SlaPolicyBody(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        policy = services.policy_save(policy_id=policy_id, values=body.validated_data)
        return Response(SlaPolicySerializer(policy).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, policy_id: UUID) -> Response:
        """Delete it; what is promised already goes on."""
        services.policy_delete(policy_id=policy_id)
        return Response(status=204)


class TargetPagination(CursorPagination):
    """The latest first."""

    orders = ("-started_at",)


@extend_schema(tags=["conversations"])
class TargetListView(ListAPIView[SlaTarget]):
    """List what was and is promised in a conversation, and what became of it."""

    required_scope = "conversations:read"
    serializer_class = SlaTargetSerializer
    pagination_class = TargetPagination
    queryset = SlaTarget.objects.none()

    def get_queryset(self) -> QuerySet[SlaTarget]:
        found = selectors.conversation_get(conversation_id=self.kwargs["conversation_id"])
        return selectors.sla_target_list(conversation_id=found.pk)
