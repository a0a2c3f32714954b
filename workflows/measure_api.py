"""REST of how workflows do."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.selectors import range_get
from analytics.types import DateRange
from tenants.admission.admit import admit
from workflows import selectors
from workflows.measuring import step_figures, workflow_figures

_DAYS = [
    OpenApiParameter("first", str, description="The first day, like 2026-11-01."),
    OpenApiParameter("last", str, description="The last day; today if absent."),
]


class WorkflowFiguresSerializer(serializers.Serializer[Any]):
    """A workflow's runs in a period; latencies in milliseconds, costs in millionths."""

    workflow = serializers.CharField()
    runs = serializers.IntegerField()
    completed = serializers.IntegerField()
    handed_over = serializers.IntegerField()
    failed = serializers.IntegerField()
    active = serializers.IntegerField()
    failure_rate = serializers.FloatField()
    costs = serializers.DictField(child=serializers.IntegerField())
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)


class StepFiguresSerializer(serializers.Serializer[Any]):
    """A step in those runs: ``reached`` and ``left`` count runs, the others visits."""

    step_id = serializers.CharField()
    kind = serializers.CharField()
    reached = serializers.IntegerField()
    left = serializers.IntegerField()
    drop_off = serializers.FloatField()
    completed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    retried = serializers.IntegerField()
    costs = serializers.DictField(child=serializers.IntegerField())
    p50_ms = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)


class WorkflowsFiguresView(APIView):
    """Return how each workflow did in a range of days."""

    required_scope = "workflows:read"

    @extend_schema(
        operation_id="workflows_analytics",
        tags=["workflows"],
        parameters=_DAYS,
        responses=WorkflowFiguresSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List them, the busiest first."""
        figures = workflow_figures(within=_range(request))
        return Response(WorkflowFiguresSerializer(figures, many=True).data)


class StepsFiguresView(APIView):
    """Return how the steps of a workflow did in a range of days."""

    required_scope = "workflows:read"

    @extend_schema(
        operation_id="workflow_analytics",
        tags=["workflows"],
        parameters=_DAYS,
        responses=StepFiguresSerializer(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List them in the order runs come to them."""
        within = _range(request)
        selectors.workflow_known(workflow=name)
        figures = step_figures(within=within, workflow=name)
        return Response(StepFiguresSerializer(figures, many=True).data)


def _range(request: Request) -> DateRange:
    admit(purpose="analytics").enforce()
    asked = {name: request.query_params.get(name, "") for name in ("first", "last")}
    return range_get(**asked)
