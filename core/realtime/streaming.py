"""The ways for clients that no WebSocket reaches: an event stream, and a long poll.

Both say one `hello` for the client, from the request, and carry the frames that follow. What else
the client says comes in calls of its own (`Connection.answer`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from core.http import problem_response
from core.realtime.closing import Close
from core.realtime.cursor import Cursor, Progress, frame_read
from core.realtime.errors import Refused
from core.realtime.http import Header, answer_send, headers_of, response_send
from core.realtime.transport import CLOSE_SECONDS, Receive, Send, TransportClosed

# Proxies that would gather the stream or squeeze it are asked not to.
STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
GATHER_SECONDS = 0.2
ANSWER_BYTES = 256 * 1024


class HttpTransport:
    """A request that says `hello` and then only listens, until its client hangs up."""

    suffix: str = ""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        hello: str,
        cursor: Cursor | None,
        headers: Sequence[Header],
    ) -> None:
        self._receive = receive
        self._send = send
        self._hello: str | None = hello
        self._headers = headers
        self.progress = Progress(cursor)

    async def open(self, protocol: str) -> None:
        """Let the client in; the answer may begin later."""

    async def refuse(self, refused: Refused) -> None:
        """Answer with the problem document of what is wrong."""
        await response_send(self._send, problem_response(refused.error), self._headers)

    def push(self, text: str) -> bool:
        return False

    async def receive(self) -> str | None:
        if self._hello is not None:
            hello, self._hello = self._hello, None
            return hello
        await self.ended()
        raise TransportClosed

    async def ended(self) -> None:
        """Return when there is nothing more to wait for: the client has hung up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class EventStream(HttpTransport):
    """`text/event-stream`: an event per frame, messages under the id `epoch:seq`."""

    suffix = "_stream"

    async def open(self, protocol: str) -> None:
        headers = [*STREAM_HEADERS, *self._headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def send(self, text: str) -> None:
        frame = frame_read(text)
        self.progress.note(frame, text)
        is_message = frame["type"] == "message"
        name = f"id: {self.progress.epoch}:{self.progress.seq}\n" if is_message else ""
        await self._body(f"{name}data: {text}\n\n")

    async def close(self, code: Close) -> None:
        """End the stream with a `close` event, which carries the code that a socket would."""
        said = json.dumps({"code": int(code)})
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._body(f"event: close\ndata: {said}\n\n", more=False)

    async def _body(self, text: str, *, more: bool = True) -> None:
        body = {"type": "http.response.body", "body": text.encode(), "more_body": more}
        await self._send(body)


class LongPoll(HttpTransport):
    """One answer with the frames there are, or with the first that come within `wait` seconds."""

    suffix = "_poll"

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        hello: str,
        cursor: Cursor | None,
        headers: Sequence[Header],
        wait: float,
    ) -> None:
        super().__init__(receive, send, hello=hello, cursor=cursor, headers=headers)
        self._wait = wait
        self._frames: list[str] = []
        self._bytes = 0
        self._has_news = asyncio.Event()
        self._is_full = asyncio.Event()

    async def send(self, text: str) -> None:
        """Gather a frame; what would be too much for one answer waits for the next one."""
        if self._is_full.is_set():
            await asyncio.Event().wait()
        self._frames.append(text)
        self._bytes += len(text)
        if self.progress.note(frame_read(text), text):
            self._has_news.set()
        if self._bytes >= ANSWER_BYTES:
            self._is_full.set()

    async def ended(self) -> None:
        """Return when there is something to answer with, the time is over or the client is gone."""
        gone = asyncio.create_task(super().ended())
        news = asyncio.create_task(self._news())
        try:
            await asyncio.wait(
                (gone, news), timeout=self._wait, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            gone.cancel()
            news.cancel()

    async def _news(self) -> None:
        """Wait for the first news, and a moment for what comes along with it."""
        await self._has_news.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await self._is_full.wait()

    async def close(self, code: Close) -> None:
        closed = "" if code is Close.NORMAL else f',"close":{int(code)}'
        after = json.dumps(self.progress.cursor)
        body = f'{{"frames":[{",".join(self._frames)}],"next":{after}{closed}}}'
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                headers = headers_of("application/json")
                await answer_send(self._send, 200, headers, body.encode(), self._headers)
