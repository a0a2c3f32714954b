"""REST of what people decide about runs: approvals, cancelling, and undoing what is stuck."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import CursorPagination
from core.idempotency.types import Repeat
from workflows import selectors, services
from workflows.models import Wait
from workflows.run_serializers import (
    ApprovalSerializer,
    CancelBodySerializer,
    DecisionBodySerializer,
    body_of,
)
from workflows.serializers import RunSerializer
from workflows.types import WaitState
from workflows.version_api import person_of

TAGS = ["workflows"]


class ApprovalPagination(CursorPagination):
    """Approvals, those that wait longest first."""

    orders = ("created_at",)


@extend_schema(
    tags=TAGS,
    parameters=[OpenApiParameter("state", str, enum=[state.value for state in WaitState])],
)
class ApprovalListView(ListAPIView[Wait]):
    """List what runs ask the team; what is open unless told otherwise."""

    required_scope = "workflows:read"
    serializer_class = ApprovalSerializer
    pagination_class = ApprovalPagination
    queryset = Wait.objects.none()

    def get_queryset(self) -> QuerySet[Wait]:
        """Filter by state."""
        state = self.request.query_params.get("state", WaitState.OPEN.value)
        return selectors.approval_list(state=state)


class ApprovalDetailView(APIView):
    """What one run asks the team."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "conversations:write"}

    @extend_schema(operation_id="approvals_retrieve", tags=TAGS, responses=ApprovalSerializer)
    def get(self, request: Request, wait_id: UUID) -> Response:
        """Return the request with its decision, if there is one."""
        return Response(ApprovalSerializer(selectors.approval_get(wait_id=wait_id)).data)

    @extend_schema(
        operation_id="approvals_decide",
        tags=TAGS,
        request=DecisionBodySerializer,
        responses=ApprovalSerializer,
    )
    def post(self, request: Request, wait_id: UUID) -> Response:
        """Decide, and wake the run. Of several decisions the first counts; the others get 409."""
        asked = body_of(DecisionBodySerializer, request.data)
        services.approval_decide(wait_id=wait_id, **asked, decided_by=person_of(request))
        return Response(ApprovalSerializer(selectors.approval_get(wait_id=wait_id)).data)


class RunCancelView(APIView):
    """The end of a run before its time."""

    repeat = Repeat.HARMLESS
    required_scope = "workflows:write"

    @extend_schema(
        operation_id="runs_cancel",
        tags=TAGS,
        request=CancelBodySerializer,
        responses=RunSerializer,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """Ask a run to stop: what it did is undone first. A run that is over stays as it is."""
        asked = body_of(CancelBodySerializer, request.data)
        run = services.run_cancel(run_id=run_id, reason=asked["reason"])
        return Response(RunSerializer(run).data)


class RunRedriveView(APIView):
    """Another attempt to undo what a stuck run did."""

    repeat = Repeat.ATOMIC
    required_scope = "workflows:write"

    @extend_schema(operation_id="runs_redrive", tags=TAGS, request=None, responses=RunSerializer)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Try the compensations again that were given up; 409 unless the run is stuck."""
        services.compensations_redrive(run_id=run_id)
        return Response(RunSerializer(selectors.run_get(run_id=run_id)).data)
