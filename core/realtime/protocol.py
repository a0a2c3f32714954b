"""uvicorn's protocols, made to let go of clients that stopped reading."""

from __future__ import annotations

import socket
from functools import partial
from typing import Any
from weakref import ref

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from core.realtime.slim import Gate, Inbox

ABORT_SECONDS = 5.0
# The ASGI extension: `push(frame) -> bool`.
PUSH = "frontdesk.push"
UNHEARD_MILLISECONDS = 75_000


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Abort the transport a few seconds after the application has ended.

    uvicorn closes it gently, which waits for the peer to take what is buffered; a stalled reader
    never does, and would keep descriptor and buffer for ever. Run with
    `--ws core.realtime.protocol:WebSocketProtocol`.

    It also offers the application to write frames it has encoded itself, past ASGI, and forgets
    the handshake once it is over: thousands of connections are open at once.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue: Any = Inbox()
        self.writable: Any = Gate()

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101 and not self.conn.extensions:
            self.scope["extensions"][PUSH] = {"push": self.frame_push}

    def frame_push(self, data: bytes) -> bool:
        """Write an encoded frame if the peer is let in by now and takes it at once."""
        if not self.handshake_complete or self.close_sent or not self.writable.is_set():
            return False
        if self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(data)
        return True

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # The parser keeps the request, and callers the scope, as long as the line stands.
            self.request.headers.clear()
            self.scope.clear()  # type: ignore[attr-defined]  # a dictionary in truth
            del self.request, self.response

    def on_task_complete(self, task: Any) -> None:
        super().on_task_complete(task)
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)


class HttpProtocol(H11Protocol):
    """Abort the transport a few seconds after the application has left a response unfinished.

    So an event stream ends whose reader stalls, as a WebSocket does; a peer that is gone without a
    word is given up once what was sent to it stays unacknowledged. Run with
    `--http core.realtime.protocol:HttpProtocol`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A weak reference: a protocol that was upgraded to a WebSocket goes at once.
        self.app: Any = partial(_watched, self.app, ref(self))

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        line = transport.get_extra_info("socket")
        if line is not None and line.family in {socket.AF_INET, socket.AF_INET6}:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MILLISECONDS)

    def unfinished_abort(self) -> None:
        """Let go of a connection whose application has ended before its response."""
        if not self.cycle.response_complete:
            self.loop.call_later(ABORT_SECONDS, self.transport.abort)


async def _watched(
    application: Any, protocol: ref[HttpProtocol], scope: Any, receive: Any, send: Any
) -> None:
    try:
        await application(scope, receive, send)
    finally:
        watching = protocol()
        if watching is not None and scope["type"] == "http":
            watching.unfinished_abort()
