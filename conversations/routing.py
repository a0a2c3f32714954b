"""Where the sockets are, and the calls in their place, for config/asgi.py."""

from typing import Any

from django.urls import path, re_path

from conversations.consumers import AgentConnection, VisitorConnection, endpoint
from conversations.consumers.calls import CALLS
from core.realtime.closing import Close
from core.realtime.connection import Connection

SOCKETS: dict[str, type[Connection]] = {
    "ws/chat/": VisitorConnection,
    "ws/inbox/": AgentConnection,
}


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at any other address in its handshake."""
    await receive()
    await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})


def _application(connection_class: type[Connection]) -> Any:
    """Return the socket's ASGI application; Django's `path` is typed for views, hence Any."""
    return endpoint(connection_class)


NOWHERE: Any = nowhere
_CALLS: dict[str, Any] = {**CALLS}
websocket_urlpatterns = [
    *(path(route, _application(each)) for route, each in SOCKETS.items()),
    re_path("", NOWHERE),
]
http_urlpatterns = [path(route, each) for route, each in _CALLS.items()]
