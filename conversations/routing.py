"""Where the sockets are, for config/asgi.py."""

from typing import Any

from django.urls import path, re_path

from conversations.consumers import AgentSocket, VisitorSocket, endpoint
from core.realtime.closing import Close
from core.realtime.socket import Socket

SOCKETS: dict[str, type[Socket]] = {"ws/chat/": VisitorSocket, "ws/inbox/": AgentSocket}


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at any other address in its handshake."""
    await receive()
    await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})


def _application(socket_class: type[Socket]) -> Any:
    """Return the socket's ASGI application; Django's `path` is typed for views, hence Any."""
    return endpoint(socket_class)


NOWHERE: Any = nowhere
websocket_urlpatterns = [
    *(path(route, _application(socket_class)) for route, socket_class in SOCKETS.items()),
    re_path("", NOWHERE),
]
