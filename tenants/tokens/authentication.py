"""`Authorization: Bearer <access token>` on every REST route."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core import tenancy
from tenants.models import Membership, Person
from tenants.threats import detect
from tenants.throttle import client_address
from tenants.tokens.errors import TokenForeign, TokenInvalid
from tenants.tokens.grants import AccessGrant, access_grant

API_KEY_PREFIX = "fd_"


class AccessTokenAuthentication(BaseAuthentication):
    """Read a person's access token; what looks like an API key is left to its own class."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Person, AccessGrant] | None:
        keyword, _, token = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != self.keyword.lower() or token.strip().startswith(API_KEY_PREFIX):
            return None
        if tenancy.current() is None:
            raise TokenInvalid()
        try:
            grant = access_grant(token=token.strip())
        except TokenForeign:
            detect.foreign_credential_seen(address=client_address(request._request))
            raise
        # Whatever session came along does not speak for this request.
        request._request.membership = grant.membership  # type: ignore[attr-defined]  # middleware's
        return grant.membership.person, grant

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular's
    """Describe the token in the OpenAPI document."""

    target_class = "tenants.tokens.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def membership_of(request: Request) -> Membership | None:
    """Return the member who calls, by token or session; None for machines and visitors."""
    if request.auth is not None and not isinstance(request.auth, AccessGrant):
        return None
    found: Membership | None = getattr(request._request, "membership", None)
    return found
