"""Enter the tenant of a client's host, then serve the client inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from core import tenancy
from core.realtime.closing import Close
from core.realtime.connection import Connection
from core.realtime.handshake import Handshake, handshake_read
from core.realtime.protocol import PUSH
from core.realtime.threads import in_thread
from core.realtime.transport import Receive, Send, WebSocketTransport
from core.tenancy import TenantContext
from tenants.addresses import address_of
from tenants.selectors import tenant_for_host
from tenants.threats.blocks import address_subject, blocking_for
from tenants.threats.types import BlockReach

Application = Callable[[Any, Receive, Send], Awaitable[None]]


def endpoint(connection_class: type[Connection]) -> Application:
    """Return the ASGI application that serves one kind of socket on every tenant's host."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        handshake = handshake_read(scope)
        tenant = await tenant_enter(handshake)
        await receive()
        if tenant is None:
            await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})
            return
        with inside(tenant):
            push = scope.get("extensions", {}).get(PUSH, {}).get("push")
            transport = WebSocketTransport(handshake, receive, send, push)
            await connection_class(handshake).run(transport)

    return application


async def tenant_enter(handshake: Handshake) -> TenantContext | None:
    """Return the tenant of the client's host; None where there is none, or it keeps them out."""
    tenant = await in_thread(tenant_for_host, handshake.host)
    if tenant is None or await in_thread(_is_blocked, tenant, handshake):
        return None
    return tenant


@contextmanager
def inside(tenant: TenantContext) -> Iterator[None]:
    """Serve in the tenant's name, and say so in the log."""
    with (
        tenancy.tenant_scope(tenant),
        structlog.contextvars.bound_contextvars(tenant=tenant.slug),
    ):
        yield


def address_from(handshake: Handshake) -> str:
    """Return where the client is, as far back as our own proxies vouch for it."""
    return address_of(peer=handshake.peer, forwarded_for=handshake.forwarded_for)


def _is_blocked(tenant: TenantContext, handshake: Handshake) -> bool:
    """Return whether the client's address is blocked here."""
    with tenancy.tenant_scope(tenant):
        found = blocking_for(address_subject(address_from(handshake)))
    return found is not None and found.reach is BlockReach.ALL
