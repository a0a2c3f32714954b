"""Enter the tenant of the request's host, and find the visitor's membership in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from core import tenancy
from core.audit.actors import actor_scope
from core.http import error_response
from tenants import selectors
from tenants.accounts.sessions import session_seen
from tenants.actors import actor_of
from tenants.errors import TenantUnknown
from tenants.preferences import values_for
from tenants.preferences.groups import WorkspaceProfile
from tenants.sessions import host_is_bound
from tenants.threats.detect import foreign_credential_seen
from tenants.throttle import client_address

Responder = Callable[[HttpRequest], HttpResponse]


class TenantMiddleware:
    """Set `request.tenant` and the scope from the Host header; unknown hosts get a 404."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            host = request.get_host()
        except DisallowedHost:
            host = ""
        if selectors.host_is_platform(host):
            return self._platform(request)
        tenant = selectors.tenant_for_host(host) if host else None
        if tenant is None:
            return self._unknown(request)
        request.tenant = tenant  # type: ignore[attr-defined]
        with tenancy.tenant_scope(tenant):
            return self.get_response(request)

    def _platform(self, request: HttpRequest) -> HttpResponse:
        request.tenant = None  # type: ignore[attr-defined]
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        with _platform_host_scope(request.path):
            return self.get_response(request)

    def _unknown(self, request: HttpRequest) -> HttpResponse:
        request.tenant = None  # type: ignore[attr-defined]
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF
        with tenancy.public_scope():
            return error_response(request, TenantUnknown())


class WorkspaceLocaleMiddleware:
    """Show a member's pages in the workspace's time zone and, where it has one, language.

    REST answers stay in UTC, and the widget speaks the language of the visitor's browser.
    """

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        member = getattr(request, "membership", None)
        if member is None or request.path.startswith("/api/"):
            return self.get_response(request)
        profile = values_for(WorkspaceProfile)
        language = profile.language or translation.get_language() or settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with timezone.override(profile.timezone), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _platform_host_scope(path: str) -> AbstractContextManager[None]:
    """Return the platform role's scope for the admin alone; other pages need no tenant's rows."""
    return tenancy.platform_scope() if path.startswith("/admin/") else tenancy.public_scope()


class MembershipMiddleware:
    """Set `request.membership`; a session that began on another host is ended."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.membership = None  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            if not host_is_bound(request):
                foreign_credential_seen(address=client_address(request))
                logout(request)
            elif tenancy.current() is not None:
                self._member_find(request)
        return self.get_response(request)

    def _member_find(self, request: HttpRequest) -> None:
        found = selectors.membership_for(person_id=cast(UUID, request.user.pk))
        request.membership = found  # type: ignore[attr-defined]
        if found is not None:
            session_seen(session_key=str(request.session.session_key))


class ActorMiddleware:
    """Let what is recorded during the request say who sent it."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with actor_scope(lambda: actor_of(request)):
            return self.get_response(request)
