"""ASGI entry point: sockets, the calls in their place, and the health of this process."""

import sys
from typing import Any

from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

# A thread that comes back from the database waits for the loop, which has a room to send to, no
# longer than this for its turn: a message takes a dozen such turns to commit.
sys.setswitchinterval(0.001)
get_asgi_application()  # loads the apps, which the consumers need
health_application = import_string("core.observability.asgi.health_application")
socket_application = import_string("conversations.routing.socket_application")
call_application = import_string("conversations.routing.call_application")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve a socket, a call or a question about health; a table, as every frame here is kept."""
    if scope["type"] == "websocket":
        await socket_application(scope["path"])(scope, receive, send)
    else:
        await (call_application(scope["path"]) or health_application)(scope, receive, send)
