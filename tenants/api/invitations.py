"""`/api/v1/invitations`: who has been asked to join; links go by mail alone."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotency.types import Repeat
from tenants import invitations, selectors
from tenants.models import Invitation
from tenants.serializers import InvitationBody, InvitationSerializer
from tenants.tokens.authentication import membership_of
from tenants.types import Role


@extend_schema(tags=["invitations"])
class InvitationListView(ListAPIView[Invitation]):
    """List the workspace's invitations, newest first, or invite someone."""

    required_scopes: ClassVar[dict[str, str]] = {"GET": "team:read", "POST": "team:write"}
    repeat = Repeat.ATOMIC
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.none()

    def get_queryset(self) -> QuerySet[Invitation]:
        return selectors.invitation_list()

    @extend_schema(request=InvitationBody, responses={201: InvitationSerializer})
    def post(self, request: Request) -> Response:
        """Invite an address; only an owner invites owners, and a key never does."""
        body = InvitationBody(data=request.data)
        body.is_valid(raise_exception=True)
        made = invitations.invitation_create(
            actor=membership_of(request),
            email=body.validated_data["email"],
            role=Role(body.validated_data["role"]),
        )
        return Response(InvitationSerializer(made).data, status=201)


class InvitationDetailView(APIView):
    """Revoke an invitation."""

    required_scope = "team:write"
    repeat = Repeat.ATOMIC

    @extend_schema(
        operation_id="invitations_revoke",
        tags=["invitations"],
        responses={204: OpenApiResponse(description="Its link opens nothing any more.")},
    )
    def delete(self, request: Request, invitation_id: UUID) -> Response:
        invitations.invitation_revoke(actor=membership_of(request), invitation_id=invitation_id)
        return Response(status=204)
