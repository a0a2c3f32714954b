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

from core import tenancy
from core.http import error_response
from tenants import selectors
from tenants.accounts.sessions import session_seen
from tenants.errors import TenantUnknown
from tenants.sessions import host_is_bound

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
                logout(request)
            elif tenancy.current() is not None:
                self._member_find(request)
        return self.get_response(request)

    def _member_find(self, request: HttpRequest) -> None:
        found = selectors.membership_for(person_id=cast(UUID, request.user.pk))
        request.membership = found  # type: ignore[attr-defined]
        if found is not None:
            session_seen(session_key=str(request.session.session_key))
