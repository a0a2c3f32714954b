"""Who calls: a visitor or a member with a token, a member with a session, a machine with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from conversations.errors import PersonRequired, VisitorTokenInvalid
from conversations.models import Customer
from conversations.services import visitor_authenticate
from core import tenancy
from tenants.permissions import HasScope
from tenants.tokens.access import token_is_jwt
from tenants.tokens.authentication import membership_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class VisitorPrincipal:
    """The `request.user` of a visitor: authenticated, but nobody's account."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.pk = customer.pk

    def __str__(self) -> str:
        return f"visitor {self.pk}"


class VisitorAuthentication(BaseAuthentication):
    """`Authorization: Bearer <visitor token>`; API keys and JWTs are left to their own classes."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[VisitorPrincipal, None] | None:
        keyword, _, token = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != self.keyword.lower() or _is_of_the_team(token.strip()):
            return None
        if tenancy.current() is None:
            raise VisitorTokenInvalid()
        return VisitorPrincipal(visitor_authenticate(visitor_token=token.strip())), None

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


def _is_of_the_team(token: str) -> bool:
    return token.startswith("fd_") or token_is_jwt(token)


class VisitorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # spectacular's
    """Describe the visitor token in the OpenAPI document."""

    target_class = "conversations.api.access.VisitorAuthentication"
    name = "visitorToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "visitor token"}


class ChatAccess(HasScope):
    """Let visitors speak for themselves; everyone else needs the view's scope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return visitor_of(request) is not None or super().has_permission(request, view)


def visitor_of(request: Request) -> Customer | None:
    """Return the visitor whose token came with the call."""
    user: object = request.user
    return user.customer if isinstance(user, VisitorPrincipal) else None


def acting_person(request: Request, named: UUID | None) -> UUID:
    """Return who of the team acts: the member who is signed in, or whom a machine names.

    Raises PersonRequired when nobody is named, or a member names somebody else.
    """
    membership = membership_of(request)
    own = membership.person_id if membership else None
    acting = own or named
    if acting is None or (own and named not in {None, own}):
        raise PersonRequired()
    return acting
