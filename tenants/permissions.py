"""Who may do what: one rule for pages (`requires`), REST (`HasScope`), sockets (`scopes_for`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core import tenancy
from core.errors import Unauthenticated
from tenants.errors import ScopeMissing
from tenants.models import ApiKey, Membership
from tenants.types import ROLE_SCOPES, Actor, Role

if TYPE_CHECKING:  # rest_framework.views reads this module while it is being imported
    from rest_framework.views import APIView

View = TypeVar("View", bound=Callable[..., HttpResponse])


def scopes_for(request: HttpRequest) -> frozenset[str]:
    """Return the scopes of whoever sent the request, in this tenant only."""
    key = getattr(request, "api_key", None)
    if key is not None:
        return frozenset(key.scopes)
    membership = getattr(request, "membership", None)
    return ROLE_SCOPES[Role(membership.role)] if membership else frozenset()


def actor_for(request: HttpRequest) -> Actor:
    """Return who sent the request, as histories name them."""
    key = getattr(request, "api_key", None)
    if isinstance(key, ApiKey):
        return Actor(label=f"API key {key.name}")
    membership: Membership = request.membership  # type: ignore[attr-defined]  # a rule saw it
    return Actor(
        label=membership.person.email,
        person_id=membership.person_id,
        is_owner=membership.role == Role.OWNER,
    )


def requires(scope: str) -> Callable[[View], View]:
    """Let a page be seen by members of this tenant whose role includes `scope`.

    Strangers are sent to the sign-in page and back; members without the scope get a 403 page.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if getattr(request, "membership", None) is None:
                return _to_sign_in(request)
            if scope not in scopes_for(request):
                raise ScopeMissing(scope=scope)
            return view(request, *args, **kwargs)

        checked.required_scope = scope  # type: ignore[attr-defined]  # read by the access matrix
        return checked  # type: ignore[return-value]

    return decorate


def own_account(view: View) -> View:
    """Let people see a page about their own account: members, and the platform's administrators."""
    of_member = requires("conversations:read")(view)

    @wraps(of_member)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if tenancy.current() is not None:
            return of_member(request, *args, **kwargs)
        if not request.user.is_authenticated or not request.user.is_staff:
            target = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('account_login')}?{target}")
        return view(request, *args, **kwargs)

    return checked  # type: ignore[return-value]


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = settings.LOGIN_URL
        return response
    target = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{target}")


class HasScope(BasePermission):
    """Allow a REST call when member or key hold the view's `required_scope(s)`.

    A view that declares neither is refused: a new route without a rule is closed, not open.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        wanted = required_scope_of(view, request.method or "GET")
        http_request = request._request
        http_request.api_key = getattr(request, "auth", None)  # type: ignore[attr-defined]
        if http_request.api_key is None and getattr(http_request, "membership", None) is None:  # type: ignore[attr-defined]
            raise Unauthenticated()
        if request.method not in view.allowed_methods:
            return True  # there is nothing to permit: REST framework answers with 405
        if wanted is None or wanted not in scopes_for(http_request):
            raise ScopeMissing(scope=wanted or "")
        return True


def required_scope_of(view: Any, method: str) -> str | None:
    """Return the scope a REST view declares for a method, or None when it declares none."""
    by_method: dict[str, str] = getattr(view, "required_scopes", {})
    method = "GET" if method in {"HEAD", "OPTIONS"} else method
    return by_method.get(method) or getattr(view, "required_scope", None)
