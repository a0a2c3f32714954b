"""REST of replays: a run walked again beside its record."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotency.types import Repeat
from routing.types import Tier
from workflows.replay_serializers import ReplayBodySerializer, ReplaySerializer
from workflows.replays import replay_admit, run_replay


class ReplayView(APIView):
    """The replay of one run. One that broke off is not carried out again: models cost money."""

    repeat = Repeat.IN_DOUBT
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "workflows:write"}

    @extend_schema(
        operation_id="runs_replay_retrieve",
        tags=["workflows"],
        parameters=[
            OpenApiParameter(
                "version", str, description="A hash or version of its workflow; its own if absent."
            )
        ],
        responses=ReplaySerializer,
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Walk a run again, with its own or another version. Free, and without any effect."""
        replay_admit(run_id=run_id)
        version = request.query_params.get("version", "")
        return Response(ReplaySerializer(run_replay(run_id=run_id, version=version)).data)

    @extend_schema(
        operation_id="runs_replay_create",
        tags=["workflows"],
        request=ReplayBodySerializer,
        responses=ReplaySerializer,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """Walk a run again and ask its models anew at a tier, which costs."""
        body = ReplayBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        tier = Tier(body.validated_data["tier"])
        replay_admit(run_id=run_id, asks=True)
        replay = run_replay(run_id=run_id, version=body.validated_data["version"], tier=tier)
        return Response(ReplaySerializer(replay).data)
