"""Plain HTTP in the realtime process: read a body, answer, and let pages call across origins."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse

from core.errors import BodyTooLarge
from core.realtime.transport import Receive, Send, TransportClosed

Header = tuple[bytes, bytes]
MAX_BODY_BYTES = 256 * 1024


def headers_of(content_type: str) -> list[Header]:
    """Return the headers of an answer that nobody keeps."""
    return [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]


async def body_read(receive: Receive) -> bytes:
    """Return a request's body; raises BodyTooLarge, and TransportClosed for one cut off."""
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise TransportClosed
        body += event.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge()
        if not event.get("more_body", False):
            return bytes(body)


async def answer_send(
    send: Send, status: int, headers: Sequence[Header], body: bytes, more: Sequence[Header] = ()
) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, *more, length]}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def response_send(send: Send, response: HttpResponse, more: Sequence[Header] = ()) -> None:
    """Send what Django has made, with more headers."""
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await answer_send(send, response.status_code, headers, response.content, more)
