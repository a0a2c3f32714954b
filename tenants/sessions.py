"""Bind a session to the tenant it began on, so that its cookie opens no other workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core import tenancy
from core.audit.actors import network_of
from core.audit.record import act_record
from core.audit.types import Act, Actor, ActorKind
from tenants.preferences import values_for
from tenants.preferences.groups import AccessRules
from tenants.threats.scope import owner_scope
from tenants.throttle import client_address

SESSION_TENANT = "tenant_id"
PLATFORM = "platform"
DAY_SECONDS = 86_400


def session_bind(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Write the current tenant into the session that just began, and how long it may last."""
    host_bind(request)
    if tenancy.current() is not None:
        request.session.set_expiry(values_for(AccessRules).session_days * DAY_SECONDS)


def host_bind(request: HttpRequest) -> None:
    """Write whose host this is into the session, signed in or on the way to it."""
    request.session[SESSION_TENANT] = _host()


def host_is_bound(request: HttpRequest) -> bool:
    """Return whether the session belongs to this host."""
    return bool(request.session.get(SESSION_TENANT) == _host())


def sign_in_record(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Write a session that has begun into the audit log."""
    _session_record(request, Act.SIGNED_IN, user)


def sign_out_record(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Write a session that has ended into the audit log; visitors have none to end."""
    if user is not None:
        _session_record(request, Act.SIGNED_OUT, user)


def _session_record(request: HttpRequest, act: Act, user: Any) -> None:
    kind = ActorKind.PERSON if tenancy.current() else ActorKind.PLATFORM
    actor = Actor(kind, user.pk, network_of(client_address(request)))
    with owner_scope():  # every page of the platform host may end a session, not the admin alone
        act_record(act=act, target_kind="person", target_id=user.pk, actor=actor)


def _host() -> str:
    tenant = tenancy.current()
    return str(tenant.id) if tenant else PLATFORM
