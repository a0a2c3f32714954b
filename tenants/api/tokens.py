"""`/api/v1/auth/`: tokens for a password, renewed, revoked; and who one is."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import tenancy
from core.errors import Unauthenticated
from tenants import credentials, selectors
from tenants.accounts import factors
from tenants.actors import person_actor
from tenants.models import ApiKey
from tenants.permissions import scopes_for
from tenants.serializers import CallerSerializer, RefreshBody, TokenBody, TokenPairSerializer
from tenants.tokens import families
from tenants.tokens.authentication import membership_of
from tenants.tokens.errors import CredentialsInvalid
from tenants.tokens.types import TokenPair


class TokenView(APIView):
    """Base of what proves itself by its body: no cookie and no header is looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    route_classes: ClassVar = {"POST": "auth"}


class TokenIssueView(TokenView):
    """Get tokens for the e-mail and password of a member of this workspace."""

    @extend_schema(
        operation_id="auth_token", tags=["auth"], request=TokenBody, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        body = TokenBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        person = credentials.member_authenticate(
            request=request._request, email=said["email"], password=said["password"]
        )
        membership = selectors.membership_for(person_id=person.pk) if person else None
        if membership is None:
            raise CredentialsInvalid()
        factors.second_factor_require(person=membership.person, code=said["otp"])
        return _pair_response(
            families.token_family_begin(
                membership=membership,
                scopes=said["scopes"],
                actor=person_actor(request._request, membership.person_id),
            )
        )


class TokenRefreshView(TokenView):
    """Use a refresh token up and get the next pair; a second use ends its whole family."""

    @extend_schema(
        operation_id="auth_token_refresh",
        tags=["auth"],
        request=RefreshBody,
        responses=TokenPairSerializer,
    )
    def post(self, request: Request) -> Response:
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        return _pair_response(families.token_family_refresh(**body.validated_data))


class TokenRevokeView(TokenView):
    """End a refresh token's family and its access tokens; the same answer for unknown ones."""

    @extend_schema(
        operation_id="auth_token_revoke",
        tags=["auth"],
        request=RefreshBody,
        responses={204: OpenApiResponse(description="It is worth nothing now.")},
    )
    def post(self, request: Request) -> Response:
        body = RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        families.token_family_revoke(**body.validated_data)
        return Response(status=204)


class CredentialPresent(BasePermission):
    """Let in whoever proved who they are in this workspace, whatever their scopes."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_machine = isinstance(request.auth, ApiKey)
        if not is_machine and membership_of(request) is None:
            raise Unauthenticated()
        request._request.api_key = request.auth  # type: ignore[attr-defined]  # for `scopes_for`
        return True


class CallerView(APIView):
    """Say who calls: person or key, role, scopes and workspace."""

    permission_classes = (CredentialPresent,)

    @extend_schema(operation_id="auth_me", tags=["auth"], responses=CallerSerializer)
    def get(self, request: Request) -> Response:
        tenant = tenancy.require()
        caller = {
            **(_machine(request.auth) if isinstance(request.auth, ApiKey) else _member(request)),
            "scopes": sorted(scopes_for(request._request)),
            "tenant": {"id": tenant.id, "slug": tenant.slug},
            "expires_at": getattr(request.auth, "expires_at", None),
            "requests_per_minute": getattr(request.auth, "requests_per_minute", None),
        }
        response = Response(CallerSerializer(caller).data)
        response["Cache-Control"] = "no-store"
        return response


def _machine(key: ApiKey) -> dict[str, Any]:
    return {"kind": "api_key", "id": key.pk, "name": key.name, "email": None, "role": None}


def _member(request: Request) -> dict[str, Any]:
    membership = membership_of(request)
    if membership is None:
        raise Unauthenticated()
    person = membership.person
    return {
        "kind": "person",
        "id": person.pk,
        "name": person.display_name,
        "email": person.email,
        "role": membership.role,
    }


def _pair_response(pair: TokenPair) -> Response:
    body = {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh_token,
        "refresh_expires_in": pair.refresh_expires_in,
        "scope": " ".join(sorted(pair.scopes)),
    }
    response = Response(TokenPairSerializer(body).data)
    response["Cache-Control"] = "no-store"
    return response
