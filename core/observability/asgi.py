"""The few plain HTTP answers of the realtime process: health and metrics, nothing else."""

from __future__ import annotations

from io import BytesIO

from asgiref.sync import sync_to_async
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse

from core import tenancy
from core.observability.health import HEALTH_VIEWS


async def health_application(
    scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer /healthz, /readyz and /metrics; everything else lives on the web process."""
    response = await sync_to_async(_respond, thread_sensitive=False)(scope)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": response.content, "more_body": False})


def _respond(scope: HTTPScope) -> HttpResponse:
    view = HEALTH_VIEWS.get(scope["path"].rstrip("/"))
    if view is None:
        return JsonResponse({"status": "only sockets are served here"}, status=404)
    request: HttpRequest = ASGIRequest(dict(scope), BytesIO())
    with tenancy.public_scope():
        return view(request)
