"""uvicorn's WebSocket protocol, made to let go of clients that stopped reading."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

ABORT_SECONDS = 5.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Abort the transport a few seconds after the application has ended.

    uvicorn closes it gently, which waits for the peer to take what is buffered; a stalled reader
    never does, and would keep descriptor and buffer for ever. Run with
    `--ws core.realtime.protocol:WebSocketProtocol`.
    """

    def on_task_complete(self, task: Any) -> None:
        super().on_task_complete(task)
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)
