"""ASGI entry point: sockets, the calls in their place, and the health of this process."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path
from django.utils.module_loading import import_string

get_asgi_application()  # loads the apps, which the consumers need
health_application = import_string("core.observability.asgi.health_application")
websocket_urlpatterns = import_string("conversations.routing.websocket_urlpatterns")
http_urlpatterns = import_string("conversations.routing.http_urlpatterns")

application = ProtocolTypeRouter(
    {
        "websocket": URLRouter(websocket_urlpatterns),
        "http": URLRouter([*http_urlpatterns, re_path("", health_application)]),
    }
)
