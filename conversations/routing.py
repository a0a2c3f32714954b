"""Where the sockets are, for config/asgi.py."""

from typing import Any

from django.urls import path, re_path

from conversations.consumers import AgentSocket, VisitorSocket, endpoint
from core.realtime.closing import Close

# Django's `path` is typed for views; Channels' URLRouter wants ASGI applications in their place.
SOCKETS: dict[str, Any] = {
    "ws/chat/": endpoint(VisitorSocket),
    "ws/inbox/": endpoint(AgentSocket),
}


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at any other address in its handshake."""
    await receive()
    await send({"type": "websocket.close", "code": int(Close.FORBIDDEN)})


NOWHERE: Any = nowhere
websocket_urlpatterns = [
    *(path(route, application) for route, application in SOCKETS.items()),
    re_path("", NOWHERE),
]
