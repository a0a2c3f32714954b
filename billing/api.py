"""REST of billing: usage totals and the ledger behind them."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import selectors
from billing.models import UsageEntry
from billing.serializers import METERS, UsageEntrySerializer, UsageSerializer
from core.api import CursorPagination

PERIOD = OpenApiParameter("period", str, description="A month like 2026-11; this one if absent.")


class UsageView(APIView):
    """Return a month's usage against the plan's limits."""

    required_scope = "billing:read"

    @extend_schema(
        operation_id="usage_retrieve",
        tags=["billing"],
        parameters=[PERIOD],
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        period = selectors.period_get(request.query_params.get("period", ""))
        return Response(UsageSerializer(selectors.usage_report(period=period)).data)


class UsageEntryPagination(CursorPagination):
    """Newest usage first."""

    orders = ("-occurred_at", "-quantity")


@extend_schema(tags=["billing"], parameters=[PERIOD, OpenApiParameter("meter", str, enum=METERS)])
class UsageEntryListView(ListAPIView[UsageEntry]):
    """List the ledger's entries of a month."""

    required_scope = "billing:read"
    serializer_class = UsageEntrySerializer
    pagination_class = UsageEntryPagination
    queryset = UsageEntry.objects.none()

    def get_queryset(self) -> QuerySet[UsageEntry]:
        asked = self.request.query_params
        period = selectors.period_get(asked.get("period", ""))
        return selectors.entry_list(period=period, meter=asked.get("meter", ""))
