"""REST of analytics: activity by day."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import selectors
from analytics.serializers import ActivityReportSerializer
from tenants.admission.admit import admit


class DailyActivityView(APIView):
    """Return the activity of each day of a range, and the range's totals."""

    required_scope = "analytics:read"

    @extend_schema(
        operation_id="analytics_daily",
        tags=["analytics"],
        parameters=[
            OpenApiParameter("first", str, description="The first day, like 2026-11-01."),
            OpenApiParameter("last", str, description="The last day; today if absent."),
        ],
        responses=ActivityReportSerializer,
    )
    def get(self, request: Request) -> Response:
        admit(purpose="analytics").enforce()
        asked = {name: request.query_params.get(name, "") for name in ("first", "last")}
        report = selectors.activity_report(within=selectors.range_get(**asked))
        return Response(ActivityReportSerializer(report).data)
