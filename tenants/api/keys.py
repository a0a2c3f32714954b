"""`/api/v1/api-keys`: the workspace's keys; nobody hands out more than they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.idempotency.types import Repeat
from tenants import selectors, services
from tenants.models import ApiKey
from tenants.permissions import scopes_for
from tenants.serializers import (
    ApiKeyBody,
    ApiKeyRotateBody,
    ApiKeySecretSerializer,
    ApiKeySerializer,
)
from tenants.tokens.authentication import membership_of
from tenants.types import ApiKeySecret


@extend_schema(tags=["api-keys"])
class ApiKeyListView(ListAPIView[ApiKey]):
    """List the workspace's keys, newest first, or create one."""

    required_scopes: ClassVar[dict[str, str]] = {"GET": "settings:read", "POST": "settings:write"}
    repeat = Repeat.REFUSED  # the answer holds the secret, which is kept nowhere
    serializer_class = ApiKeySerializer
    queryset = ApiKey.objects.none()

    def get_queryset(self) -> QuerySet[ApiKey]:
        return selectors.api_key_list()

    @extend_schema(request=ApiKeyBody, responses={201: ApiKeySecretSerializer})
    def post(self, request: Request) -> Response:
        """Create a key with scopes the caller holds; its secret is in this answer alone."""
        body = ApiKeyBody(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.api_key_create(
            **body.validated_data, held=scopes_for(request._request), created_by=_actor(request)
        )
        return _secret_response(made)


class ApiKeyDetailView(APIView):
    """Revoke a key."""

    required_scope = "settings:write"
    repeat = Repeat.ATOMIC

    @extend_schema(
        operation_id="api_keys_revoke",
        tags=["api-keys"],
        responses={204: OpenApiResponse(description="The key no longer works.")},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        services.api_key_revoke(key_id=key_id, revoked_by=_actor(request))
        return Response(status=204)


class ApiKeyRotateView(APIView):
    """Replace a key; the old one works until the overlap ends."""

    required_scope = "settings:write"
    repeat = Repeat.REFUSED  # as with creation

    @extend_schema(
        operation_id="api_keys_rotate",
        tags=["api-keys"],
        request=ApiKeyRotateBody,
        responses={201: ApiKeySecretSerializer},
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        body = ApiKeyRotateBody(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.api_key_rotate(
            key_id=key_id,
            overlap=timedelta(seconds=body.validated_data["overlap_seconds"]),
            held=scopes_for(request._request),
            rotated_by=_actor(request),
        )
        return _secret_response(made)


def _actor(request: Request) -> UUID | None:
    membership = membership_of(request)
    return membership.person_id if membership else None


def _secret_response(made: ApiKeySecret) -> Response:
    response = Response(ApiKeySecretSerializer(made).data, status=201)
    response["Cache-Control"] = "no-store"
    return response
