"""ASGI entry point: sockets, and the health of the process that serves them."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

get_asgi_application()  # loads the apps, which the consumers need
health_application = import_string("core.observability.asgi.health_application")
websocket_urlpatterns = import_string("conversations.routing.websocket_urlpatterns")

application = ProtocolTypeRouter(
    {"websocket": URLRouter(websocket_urlpatterns), "http": health_application}
)
