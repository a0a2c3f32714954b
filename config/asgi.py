"""ASGI entry point: sockets only; pages and REST are served over WSGI."""

from config.env import settings_module_choose

settings_module_choose()

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter
from conversations.routing import websocket_urlpatterns

from core.observability.asgi import health_application

application = ProtocolTypeRouter(
    {"websocket": URLRouter(websocket_urlpatterns), "http": health_application}
)
