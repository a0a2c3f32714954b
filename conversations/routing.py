"""Where the sockets are, for config/asgi.py."""

from typing import Any

from django.urls import path

from conversations.consumers import AgentSocket, VisitorSocket, endpoint

# Django's `path` is typed for views; Channels' URLRouter wants ASGI applications in their place.
SOCKETS: dict[str, Any] = {
    "ws/chat/": endpoint(VisitorSocket),
    "ws/inbox/": endpoint(AgentSocket),
}
websocket_urlpatterns = [path(route, application) for route, application in SOCKETS.items()]
