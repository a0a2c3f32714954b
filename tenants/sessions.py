"""Bind a session to the tenant it began on, so that its cookie opens no other workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core import tenancy

SESSION_TENANT = "tenant_id"


def session_bind(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Write the current tenant into the session that just began."""
    tenant = tenancy.current()
    if tenant is not None:
        request.session[SESSION_TENANT] = str(tenant.id)
