"""Enter the tenant of a socket's host, then serve the socket inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from core import tenancy
from core.realtime.closing import Close
from core.realtime.handshake import Handshake, handshake_read
from core.realtime.socket import Receive, Send, Socket
from core.realtime.threads import in_thread
from core.tenancy import TenantContext
from tenants.addresses import address_of
from tenants.selectors import tenant_for_host
from tenants.threats.blocks import address_subject, blocking_for
from tenants.threats.types import BlockReach

Application = Callable[[Any, Receive, Send], Awaitable[None]]


def endpoint(socket_class: type[Socket]) -> Application:
    """Return the ASGI application that serves one kind of socket on every tenant's host."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        handshake = handshake_read(scope)
        tenant = await in_thread(tenant_for_host, handshake.host)
        if tenant is None or await in_thread(_is_blocked, tenant, handshake):
            await receive()
            await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})
            return
        with (
            tenancy.tenant_scope(tenant),
            structlog.contextvars.bound_contextvars(tenant=tenant.slug),
        ):
            await socket_class(scope, receive, send).run()

    return application


def _is_blocked(tenant: TenantContext, handshake: Handshake) -> bool:
    """Return whether the client's address is blocked here."""
    address = address_of(peer=handshake.peer, forwarded_for=handshake.forwarded_for)
    with tenancy.tenant_scope(tenant):
        found = blocking_for(address_subject(address))
    return found is not None and found.reach is BlockReach.ALL
