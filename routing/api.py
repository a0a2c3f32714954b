"""REST of routing: decide, and the decisions made."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import tenancy
from core.api import CursorPagination
from core.idempotency.types import Repeat
from routing import selectors, services
from routing.errors import TenantMismatch
from routing.models import RoutingDecision
from routing.serializers import (
    RouterRequestSerializer,
    RouterResponseSerializer,
    RoutingDecisionSerializer,
)
from routing.types import Intent, Tier, TierPreference


class RouterDecideView(APIView):
    """Decide which tier a request deserves."""

    repeat = Repeat.ATOMIC
    required_scope = "routing:read"

    @extend_schema(
        operation_id="router_decide",
        tags=["routing"],
        request=RouterRequestSerializer,
        responses=RouterResponseSerializer,
    )
    def post(self, request: Request) -> Response:
        body = RouterRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        decision = services.route_decide(**_arguments(body.validated_data))
        return Response(RouterResponseSerializer(decision).data)


class DecisionPagination(CursorPagination):
    """Newest decisions first."""

    orders = ("-created_at", "confidence")


@extend_schema(
    tags=["routing"],
    parameters=[
        OpenApiParameter("tier", str, enum=[str(tier) for tier in Tier]),
        OpenApiParameter("intent", str, enum=[str(intent) for intent in Intent]),
    ],
)
class RoutingDecisionListView(ListAPIView[RoutingDecision]):
    """List decisions, newest first."""

    required_scope = "routing:read"
    serializer_class = RoutingDecisionSerializer
    pagination_class = DecisionPagination
    queryset = RoutingDecision.objects.none()

    def get_queryset(self) -> QuerySet[RoutingDecision]:
        asked = self.request.query_params
        return selectors.decision_list(tier=asked.get("tier", ""), intent=asked.get("intent", ""))


@extend_schema(tags=["routing"])
class RoutingDecisionDetailView(RetrieveAPIView[RoutingDecision]):
    """Return one decision."""

    required_scope = "routing:read"
    serializer_class = RoutingDecisionSerializer
    queryset = RoutingDecision.objects.all()


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Return `route_decide`'s arguments; raises TenantMismatch for another tenant."""
    tenant = tenancy.require()
    if body.get("tenant_id") not in (None, str(tenant.id), tenant.slug):
        raise TenantMismatch
    context = body.get("context") or {"channel": "api"}
    return {
        "text": body["query"],
        "channel": context["channel"],
        "history_length": context.get("history_length", 0),
        "schema_strict": context.get("strict_json", False),
        "run_id": context.get("run_id"),
        "preference": TierPreference(body["tier_preference"]),
    }
