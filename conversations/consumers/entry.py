"""Enter the tenant of a socket's host, then serve the socket inside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from core import tenancy
from core.realtime.closing import Close
from core.realtime.handshake import handshake_read
from core.realtime.socket import Receive, Send, Socket
from core.realtime.threads import in_thread
from tenants.selectors import tenant_for_host

Application = Callable[[Any, Receive, Send], Awaitable[None]]


def endpoint(socket_class: type[Socket]) -> Application:
    """Return the ASGI application that serves one kind of socket on every tenant's host."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        tenant = await in_thread(tenant_for_host, handshake_read(scope).host)
        if tenant is None:
            await receive()
            await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})
            return
        with (
            tenancy.tenant_scope(tenant),
            structlog.contextvars.bound_contextvars(tenant=tenant.slug),
        ):
            await socket_class(scope, receive, send).run()

    return application
