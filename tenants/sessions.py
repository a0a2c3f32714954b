"""Bind a session to the tenant it began on, so that its cookie opens no other workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core import tenancy

SESSION_TENANT = "tenant_id"


PLATFORM = "platform"


def session_bind(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Write the current tenant into the session that just began."""
    host_bind(request)


def host_bind(request: HttpRequest) -> None:
    """Write whose host this is into the session, signed in or on the way to it."""
    request.session[SESSION_TENANT] = _host()


def host_is_bound(request: HttpRequest) -> bool:
    """Return whether the session belongs to this host."""
    return bool(request.session.get(SESSION_TENANT) == _host())


def _host() -> str:
    tenant = tenancy.current()
    return str(tenant.id) if tenant else PLATFORM
