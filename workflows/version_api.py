"""REST of versions and drafts of workflows, and of the stop of all runs."""

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
from workflows import drafts, selectors, stopping, versions
from workflows.differing import texts_compare
from workflows.models import WorkflowDraft, WorkflowVersion
from workflows.version_serializers import (
    DiffSerializer,
    DraftBodySerializer,
    DraftDetailSerializer,
    DraftSaveBodySerializer,
    DraftSerializer,
    PublishBodySerializer,
    StopBodySerializer,
    StopsSerializer,
    VerdictSerializer,
    VersionBodySerializer,
    VersionDetailSerializer,
    VersionSerializer,
)

TAGS = ["workflows"]


class DraftPagination(CursorPagination):
    """Drafts, the latest edited first."""

    orders = ("-updated_at", "-created_at")


class VersionListView(ListAPIView[WorkflowVersion]):
    """A workflow's versions."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "workflows:write"}
    serializer_class = VersionSerializer
    pagination_class = CursorPagination
    queryset = WorkflowVersion.objects.none()

    def get_queryset(self) -> QuerySet[WorkflowVersion]:
        """Return the versions of the workflow in the address."""
        selectors.workflow_known(workflow=self.kwargs["name"])
        return selectors.version_list(workflow=self.kwargs["name"])

    @extend_schema(operation_id="workflow_versions_list", tags=TAGS)
    def get(self, request: Request, name: str) -> Response:
        """List versions, newest first, each with how many runs still go on with it."""
        return self.list(request)

    @extend_schema(
        operation_id="workflow_versions_create",
        tags=TAGS,
        request=VersionBodySerializer,
        responses={201: VersionDetailSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Put a text on record as a draft, mistakes and all; idempotent by content."""
        asked = _body(VersionBodySerializer, request)
        version = versions.version_draft(
            workflow=name, source=asked["yaml"], note=asked["note"], author=person_of(request)
        )
        return _version(version, status.HTTP_201_CREATED)


class VersionDetailView(APIView):
    """One version."""

    required_scope = "workflows:read"

    @extend_schema(
        operation_id="workflow_versions_retrieve", tags=TAGS, responses=VersionDetailSerializer
    )
    def get(self, request: Request, name: str, content_hash: str) -> Response:
        """Return a version with its text."""
        return _version(selectors.version_on_record(workflow=name, content_hash=content_hash))


class VersionValidateView(APIView):
    """The validation of a version."""

    repeat = Repeat.ATOMIC
    required_scope = "workflows:write"

    @extend_schema(
        operation_id="workflow_versions_validate",
        tags=TAGS,
        request=None,
        responses=VerdictSerializer,
    )
    def post(self, request: Request, name: str, content_hash: str) -> Response:
        """Validate a version: a draft without mistakes can be published then."""
        version, problems = versions.version_validate(workflow=name, content_hash=content_hash)
        errors = [versions.problem_shown(problem) for problem in problems]
        warnings = [] if errors else versions.version_warnings(version)
        verdict = {"state": version.state, "errors": errors, "warnings": warnings}
        return Response(VerdictSerializer(verdict).data)


class VersionPublishView(APIView):
    """The publishing of a version."""

    repeat = Repeat.ATOMIC
    required_scope = "workflows:write"

    @extend_schema(
        operation_id="workflow_versions_publish",
        tags=TAGS,
        request=PublishBodySerializer,
        responses=VersionDetailSerializer,
    )
    def post(self, request: Request, name: str, content_hash: str) -> Response:
        """Make a validated version, or one that answered before, the one that answers."""
        asked = _body(PublishBodySerializer, request)
        version = versions.version_publish(
            workflow=name,
            content_hash=content_hash,
            published_by=person_of(request),
            replaces=asked.get("replaces"),
        )
        return _version(version)


class RollbackView(APIView):
    """The way back to the version before."""

    repeat = Repeat.ATOMIC
    required_scope = "workflows:write"

    @extend_schema(
        operation_id="workflows_rollback",
        tags=TAGS,
        request=None,
        responses=VersionDetailSerializer,
    )
    def post(self, request: Request, name: str) -> Response:
        """Publish again the version that answered before the present one."""
        version = versions.version_rollback(workflow=name, published_by=person_of(request))
        return _version(version)


class RetireView(APIView):
    """The taking back of what is published."""

    repeat = Repeat.ATOMIC
    required_scope = "workflows:write"

    @extend_schema(operation_id="workflows_retire", tags=TAGS, request=None, responses={204: None})
    def post(self, request: Request, name: str) -> Response:
        """Take the published version back: the library's answers again, where there is one."""
        versions.version_retire(workflow=name)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DiffView(APIView):
    """What differs between two versions."""

    required_scope = "workflows:read"

    @extend_schema(
        operation_id="workflows_compare",
        tags=TAGS,
        parameters=[
            OpenApiParameter("before", str, required=True),
            OpenApiParameter("after", str, required=True),
        ],
        responses=DiffSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """Compare two versions by hash: lines of a unified diff, and ids of steps."""
        selectors.workflow_known(workflow=name)
        before, after = _end(request, name, "before"), _end(request, name, "after")
        names = (before.content_hash[:12], after.content_hash[:12])
        diff = texts_compare(before.yaml, after.yaml, names=names)
        return Response(DiffSerializer(diff).data)


class DraftListView(ListAPIView[WorkflowDraft]):
    """A workflow's drafts."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "workflows:write"}
    serializer_class = DraftSerializer
    pagination_class = DraftPagination
    queryset = WorkflowDraft.objects.none()

    def get_queryset(self) -> QuerySet[WorkflowDraft]:
        """Return the drafts of the workflow in the address."""
        selectors.workflow_known(workflow=self.kwargs["name"])
        return selectors.draft_list(workflow=self.kwargs["name"])

    @extend_schema(operation_id="workflow_drafts_list", tags=TAGS)
    def get(self, request: Request, name: str) -> Response:
        """List drafts, the latest edited first."""
        return self.list(request)

    @extend_schema(
        operation_id="workflow_drafts_create",
        tags=TAGS,
        request=DraftBodySerializer,
        responses={201: DraftDetailSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Begin a draft that others may continue; its title is its own within the workflow."""
        asked = _body(DraftBodySerializer, request)
        draft = drafts.draft_create(
            workflow=name,
            title=asked["title"],
            source=asked["yaml"],
            note=asked["note"],
            author=person_of(request),
        )
        return Response(DraftDetailSerializer(draft).data, status=status.HTTP_201_CREATED)


class DraftDetailView(APIView):
    """One draft."""

    repeat = Repeat.ATOMIC
    required_scopes: ClassVar = {
        "GET": "workflows:read",
        "PUT": "workflows:write",
        "DELETE": "workflows:write",
    }

    @extend_schema(
        operation_id="workflow_drafts_retrieve", tags=TAGS, responses=DraftDetailSerializer
    )
    def get(self, request: Request, name: str, draft_id: UUID) -> Response:
        """Return a draft with its text."""
        draft = selectors.draft_get(workflow=name, draft_id=draft_id)
        return Response(DraftDetailSerializer(draft).data)

    @extend_schema(
        operation_id="workflow_drafts_save",
        tags=TAGS,
        request=DraftSaveBodySerializer,
        responses=DraftDetailSerializer,
    )
    def put(self, request: Request, name: str, draft_id: UUID) -> Response:
        """Replace a draft's text; 409 when somebody saved it after the `revision` you read."""
        asked = _body(DraftSaveBodySerializer, request)
        draft = drafts.draft_save(
            workflow=name,
            draft_id=draft_id,
            revision=asked["revision"],
            source=asked["yaml"],
            note=asked["note"],
            edited_by=person_of(request),
        )
        return Response(DraftDetailSerializer(draft).data)

    @extend_schema(operation_id="workflow_drafts_delete", tags=TAGS, responses={204: None})
    def delete(self, request: Request, name: str, draft_id: UUID) -> Response:
        """Delete a draft; versions stay."""
        drafts.draft_delete(workflow=name, draft_id=draft_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class StopView(APIView):
    """The stop of runs."""

    repeat = Repeat.HARMLESS
    required_scopes: ClassVar = {"GET": "workflows:read", "POST": "workflows:write"}

    @extend_schema(operation_id="workflows_stops", tags=TAGS, responses=StopsSerializer)
    def get(self, request: Request) -> Response:
        """Say what is stopped now."""
        return Response(_stops())

    @extend_schema(
        operation_id="workflows_stop",
        tags=TAGS,
        request=StopBodySerializer,
        responses=StopsSerializer,
    )
    def post(self, request: Request) -> Response:
        """Stop every run of the workspace, or of one workflow, and end those that go on.

        Conversations go to people. Harmless when repeated: it ends what is left.
        """
        asked = _body(StopBodySerializer, request)
        purged = stopping.runs_stop(workflow=asked["workflow"], stopped_by=person_of(request))
        return Response(_stops(ended=purged.ended, left=purged.left))


class ResumeView(APIView):
    """The end of a stop."""

    repeat = Repeat.HARMLESS
    required_scope = "workflows:write"

    @extend_schema(
        operation_id="workflows_resume",
        tags=TAGS,
        request=StopBodySerializer,
        responses=StopsSerializer,
    )
    def post(self, request: Request) -> Response:
        """Let runs start again: of one workflow, or of all that are stopped."""
        asked = _body(StopBodySerializer, request)
        stopping.runs_resume(workflow=asked["workflow"], lifted_by=person_of(request))
        return Response(_stops())


def person_of(request: Request) -> UUID | None:
    """Return the id of the person or the key that calls."""
    return request.user.pk if isinstance(request.user.pk, UUID) else None


def _stops(ended: int = 0, left: int = 0) -> dict[str, Any]:
    stops = selectors.stop_list()
    return dict(StopsSerializer({"stops": stops, "ended": ended, "left": left}).data)


def _version(version: WorkflowVersion, code: int = status.HTTP_200_OK) -> Response:
    """Answer with a version as the list shows it, and its text."""
    shown = selectors.version_list(workflow=version.name).get(pk=version.pk)
    return Response(VersionDetailSerializer(shown).data, status=code)


def _end(request: Request, name: str, which: str) -> WorkflowVersion:
    asked = request.query_params.get(which)
    if not asked:
        fault = {"pointer": f"/{which}", "code": "required", "detail": "Name a version's hash."}
        raise ValidationFailed(errors=[fault])
    return selectors.version_on_record(workflow=name, content_hash=asked)


def _body(serializer: Any, request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
