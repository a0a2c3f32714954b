"""REST of workflows: what can run, checks of a text, and runs with their events."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.errors import ValidationFailed
from core.idempotency.types import Repeat
from workflows import selectors, versions
from workflows.engine.events import RunStatus
from workflows.errors import WorkflowInvalid
from workflows.models import Run
from workflows.serializers import (
    RunDetailSerializer,
    RunSerializer,
    ValidationSerializer,
    WorkflowSerializer,
    WorkflowSourceSerializer,
    WorkflowVersionSerializer,
)


class RunPagination(CursorPagination):
    """Runs have no ``created_at``: they are ordered by their start."""

    orders = ("-started_at",)


class WorkflowListView(APIView):
    """The workflows that answer here."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "workflows:write"}

    @extend_schema(
        operation_id="workflows_list", tags=["workflows"], responses=WorkflowSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """List what would run now under each name."""
        graphs = [entry.graph for entry in selectors.workflow_entries() if entry.graph]
        return Response(WorkflowSerializer(graphs, many=True).data)

    @extend_schema(
        operation_id="workflows_publish",
        tags=["workflows"],
        request=WorkflowSourceSerializer,
        responses={201: WorkflowVersionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Publish a text; 422 with located errors when it has mistakes."""
        version = versions.workflow_publish(source=_source(request), published_by=_person(request))
        return Response(WorkflowVersionSerializer(version).data, status=status.HTTP_201_CREATED)


class WorkflowValidateView(APIView):
    """Checks of a workflow's text."""

    repeat = Repeat.HARMLESS
    required_scope = "workflows:read"

    @extend_schema(
        operation_id="workflows_validate",
        tags=["workflows"],
        request=WorkflowSourceSerializer,
        responses=ValidationSerializer,
    )
    def post(self, request: Request) -> Response:
        """Say whether a text is right, or where it is not. Stores nothing."""
        verdict: dict[str, Any] = {
            "valid": True,
            "errors": [],
            "warnings": [],
            "workflow": None,
        }
        try:
            checked = versions.workflow_check(source=_source(request))
            verdict.update(workflow=checked, warnings=versions.warnings_shown(checked))
        except WorkflowInvalid as error:
            verdict.update(valid=False, errors=error.data["errors"])
        return Response(ValidationSerializer(verdict).data)


@extend_schema(
    tags=["workflows"],
    parameters=[
        OpenApiParameter("workflow", str),
        OpenApiParameter("status", str, enum=["active", *(s.value for s in RunStatus)]),
        OpenApiParameter("conversation_id", UUID),
    ],
)
class RunListView(ListAPIView[Run]):
    """List runs, newest first."""

    required_scope = "workflows:read"
    serializer_class = RunSerializer
    pagination_class = RunPagination
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        """Filter by workflow, status and conversation."""
        asked = self.request.query_params
        return selectors.run_list(
            workflow=asked.get("workflow", ""),
            status=asked.get("status", ""),
            conversation_id=_uuid(asked.get("conversation_id")),
        )


class RunDetailView(APIView):
    """One run."""

    required_scope = "workflows:read"

    @extend_schema(operation_id="runs_retrieve", tags=["workflows"], responses=RunDetailSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Return a run with its events."""
        run = selectors.run_get(run_id=run_id)
        events = selectors.run_events(run_id=run_id)
        return Response(RunDetailSerializer(run, context={"events": events}).data)


def _source(request: Request) -> str:
    body = WorkflowSourceSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return str(body.validated_data["yaml"])


def _person(request: Request) -> UUID | None:
    return request.user.pk if isinstance(request.user.pk, UUID) else None


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError as error:
        problem = {"pointer": "/conversation_id", "code": "invalid", "detail": "Not a UUID."}
        raise ValidationFailed(errors=[problem]) from error
