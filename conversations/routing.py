"""Where the sockets are, and the calls in their place, for config/asgi.py."""

from __future__ import annotations

from typing import Any

from conversations.consumers import AgentConnection, VisitorConnection, endpoint
from conversations.consumers.calls import CALLS
from conversations.consumers.entry import Application
from core.realtime.closing import Close
from core.realtime.connection import Connection
from core.realtime.transport import Receive, Send

SOCKETS: dict[str, type[Connection]] = {
    "ws/chat/": VisitorConnection,
    "ws/inbox/": AgentConnection,
}
_SERVED = {route: endpoint(connection_class) for route, connection_class in SOCKETS.items()}


def socket_application(path: str) -> Application:
    """Return what serves a socket at this address."""
    return _SERVED.get(path.removeprefix("/"), nowhere)


def call_application(path: str) -> Application | None:
    """Return what serves a call in a socket's place, None at any other address."""
    return CALLS.get(path.removeprefix("/"))


async def nowhere(scope: Any, receive: Receive, send: Send) -> None:
    """Refuse a socket at any other address in its handshake."""
    await receive()
    await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})
