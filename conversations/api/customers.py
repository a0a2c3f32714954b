"""`/api/v1/customers` and `/api/v1/widget`: with whom we talk, and through what."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations import selectors, services
from conversations.models import Customer
from conversations.serializers import CustomerSerializer, WidgetBody, WidgetSerializer
from core.api import CursorPagination
from core.idempotency.types import Repeat
from tenants.permissions import actor_for


class CustomerPagination(CursorPagination):
    """Newest customers first."""

    orders = ("-created_at", "-last_seen_at")


@extend_schema(
    tags=["customers"],
    parameters=[OpenApiParameter("search", str, description="Name, address or your own id.")],
)
class CustomerListView(ListAPIView[Customer]):
    """List customers, newest first."""

    required_scope = "conversations:read"
    serializer_class = CustomerSerializer
    pagination_class = CustomerPagination
    queryset = Customer.objects.none()

    def get_queryset(self) -> QuerySet[Customer]:
        return selectors.customer_list(query=self.request.query_params.get("search", ""))


@extend_schema(tags=["customers"])
class CustomerDetailView(RetrieveAPIView[Customer]):
    """Return one customer."""

    required_scope = "conversations:read"
    serializer_class = CustomerSerializer
    queryset = Customer.objects.all()


@extend_schema(tags=["widget"])
class WidgetView(APIView):
    """Show or change the widget: its key, its look and where it may appear."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar[dict[str, str]] = {"GET": "settings:read", "PATCH": "settings:write"}

    @extend_schema(responses={200: WidgetSerializer})
    def get(self, request: Request) -> Response:
        return Response(WidgetSerializer(services.widget_ensure()).data)

    @extend_schema(request=WidgetBody, responses={200: WidgetSerializer})
    def patch(self, request: Request) -> Response:
        body = WidgetBody(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        services.widget_look_change(changes=body.validated_data, actor=actor_for(request._request))
        return Response(WidgetSerializer(services.widget_ensure()).data)
