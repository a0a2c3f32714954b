"""Bind a session to the tenant it began on, so that its cookie opens no other workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core import tenancy
from tenants.preferences import values_for
from tenants.preferences.groups import AccessRules

SESSION_TENANT = "tenant_id"
DAY_SECONDS = 86_400


def session_bind(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Write the current tenant into the session that just began, and how long it may last."""
    tenant = tenancy.current()
    if tenant is not None:
        request.session[SESSION_TENANT] = str(tenant.id)
        request.session.set_expiry(values_for(AccessRules).session_days * DAY_SECONDS)
