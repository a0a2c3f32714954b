"""How frames travel between a connection and its client, and the WebSocket among the ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from core.realtime.closing import Close
from core.realtime.errors import Refused
from core.realtime.handshake import Handshake
from core.realtime.wire import frame_text, text_frame

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSE_SECONDS = 2.0


class TransportClosed(Exception):
    """Raised to whoever waits for a frame once the client is gone or has been answered."""


class Transport(Protocol):
    """One client's way in and out; a connection opens it or refuses, and closes what it opened."""

    @property
    def suffix(self) -> str:
        """Return what the metrics put behind the connection's kind; a WebSocket adds nothing."""

    async def open(self, protocol: str) -> None:
        """Tell the client that it is let in, under this version."""

    async def refuse(self, refused: Refused) -> None:
        """Tell the client why it is not let in."""

    async def receive(self) -> str | None:
        """Return the next frame, None for a binary one; raises TransportClosed."""

    def push(self, text: str) -> bool:
        """Send a frame if the client takes it at once; False when it has to be waited for."""

    async def send(self, text: str) -> None:
        """Send a frame; waits while the client takes nothing."""

    async def close(self, code: Close) -> None:
        """Say goodbye; a reader that takes nothing is not waited for."""


Push = Callable[[bytes], bool]


class WebSocketTransport:
    """A WebSocket whose `websocket.connect` has been received.

    `push` writes an encoded frame past ASGI, where the server offers that (`protocol.py`).
    """

    __slots__ = ("_push", "_receive", "_send", "_versions")
    suffix = ""

    def __init__(
        self, handshake: Handshake, receive: Receive, send: Send, push: Push | None = None
    ) -> None:
        self._versions = handshake.versions
        self._receive = receive
        self._send = send
        self._push = push

    async def open(self, protocol: str) -> None:
        chosen = protocol if protocol in self._versions else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen})

    def push(self, text: str) -> bool:
        return self._push is not None and self._push(text_frame(text))

    async def refuse(self, refused: Refused) -> None:
        """Answer 403 in the handshake, or a close code that scripts can see after it."""
        if refused.is_visible:
            # A browser hides what follows when none of the versions it has offered is named.
            offered = next(iter(self._versions), None)
            await self._send({"type": "websocket.accept", "subprotocol": offered})
        if refused.is_told:
            error = {**refused.error.frame(), "retryable": refused.error.retryable}
            await self.send(frame_text(error))
        code, reason = int(refused.code), refused.error.code
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def receive(self) -> str | None:
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            raise TransportClosed
        text: str | None = event.get("text")
        return text

    async def send(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: Close) -> None:
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": int(code)})
