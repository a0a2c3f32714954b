"""A WebSocket that comes back, after the widget's `socket.js`, and the ways in which it is cut.

The line reconnects with exponential back-off and full jitter and pings; what the frames mean is the
subclass's business. A cut is what networks do: both sides say goodbye, the connection ends without
a word, it is reset, it breaks in the middle of a frame in either direction, or the client stops
reading and is gone some seconds later.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import Frame, Opcode

from bench.support.visits import Workspace

BACKOFF_FIRST, BACKOFF_CEILING, STABLE_SECONDS = 0.5, 30.0, 5.0
PING_SECONDS, PONG_SECONDS = 20.0, 10.0
STALL_SECONDS: Final = (0.5, 3.0)
# So soon a browser says that the network is back, where it was the network; then the line redials.
ONLINE_SECONDS: Final = (0.1, 1.0)
NETWORK_CUTS: Final = frozenset({"silent", "stalled", "half_heard"})
CUTS: Final = ("goodbye", "silent", "reset", "half_heard", "half_said", "stalled")
# A reset instead of a goodbye when the socket is closed.
_RESET: Final = struct.pack("ii", 1, 0)
Frames = dict[str, Any]


class CutConnection(ClientConnection):
    """A connection that can break in the middle of what it hears, or turn deaf."""

    breaks_at_next: bool = False
    is_deaf: bool = False

    def data_received(self, data: bytes) -> None:
        if self.is_deaf:
            return
        if self.breaks_at_next:
            super().data_received(data[: len(data) // 2])
            self.is_deaf = True
            self.reset()
            return
        super().data_received(data)

    def reset(self) -> None:
        found = self.transport.get_extra_info("socket")
        with suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


class Line:
    """One client's line: dials until it is told to stop."""

    path: str

    def __init__(self, workspace: Workspace, token: str, chance: random.Random) -> None:
        self.workspace = workspace
        self.token = token
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.connection: CutConnection | None = None
        self.is_wanted = True
        self.is_welcome = False
        self.is_being_cut = False
        self.may_dial = asyncio.Event()
        self.may_dial.set()
        self._is_online = asyncio.Event()
        self._attempts = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # --- for subclasses

    def opened(self) -> None:
        """Say hello."""

    def heard(self, frame: Frames) -> None:
        """Take a frame."""

    def lost(self) -> None:
        """The line is down."""

    def outgoing(self) -> Frames:
        """Return a message that is waiting to be said, to be cut in its middle."""
        raise NotImplementedError

    # --- the line

    @property
    def may_be_cut(self) -> bool:
        return self.is_welcome and self.connection is not None and not self.is_being_cut

    def send(self, frame: Frames) -> None:
        """Write a frame if the line stands; like a browser it does not wait and does not know."""
        if self.connection is not None:
            self._write(self.connection, _encoded(frame))

    def _write(self, connection: CutConnection, data: bytes) -> None:
        if not connection.transport.is_closing():
            connection.transport.write(data)

    def later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call once after a while, instead of what was set under the name before."""
        self.never(name)
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, call)

    def never(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    async def run(self) -> None:
        """Dial, listen and dial again; raises RuntimeError when the server refuses for good."""
        while self.is_wanted:
            await self.may_dial.wait()
            code = await self._stand()
            self.connection, self.is_welcome, self.is_being_cut = None, False, False
            for name in list(self._timers):
                self.never(name)
            self.lost()
            if 3500 <= code < 4000 or 4400 <= code < 4500:
                raise RuntimeError(f"{self.path} was refused with {code}: {dict(self.counts)}")
            self.counts[f"closed_{code}"] += 1
            top = min(BACKOFF_CEILING, BACKOFF_FIRST * 2 ** min(self._attempts, 16))
            self._attempts += 1
            if self.is_wanted:
                await self._retry_wait(max(0.1, self.chance.uniform(0.0, top)))

    async def _retry_wait(self, seconds: float) -> None:
        """Wait before the next attempt, but not when the network is back (`#retryNow`)."""
        self._is_online.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_online.wait(), seconds)

    async def _stand(self) -> int:
        """Serve one connection from handshake to end; returns its close code, 1006 for none."""
        dialled = self.workspace.line(
            self.path,
            self.token,
            create_connection=CutConnection,
            ping_interval=None,
            compression=None,
            close_timeout=2,
        )
        try:
            async with dialled as connection:
                assert isinstance(connection, CutConnection)
                self.connection = connection
                self.later("stable", STABLE_SECONDS, self._is_stable)
                self._ping_soon()
                self.opened()
                async for text in connection:
                    self.never("pong")
                    self.heard(json.loads(text))
            return connection.close_code or 1006
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except (OSError, TimeoutError, InvalidHandshake):
            return 1006

    def _is_stable(self) -> None:
        self._attempts = 0

    def _ping_soon(self) -> None:
        self.later("ping", PING_SECONDS, self._ping)

    def _ping(self) -> None:
        self.send({"type": "ping"})
        self.later("pong", PONG_SECONDS, self._redial)
        self._ping_soon()

    def _redial(self) -> None:
        """Give a line up that does not answer."""
        self.counts["unanswered_pings"] += 1
        if self.connection is not None:
            self.connection.transport.abort()

    # --- cuts

    async def cut(self, kind: str) -> None:
        """Cut the line in one of the ways; what breaks at the next frame is waited for."""
        connection = self.connection
        assert connection is not None
        self.is_being_cut = True
        if kind == "goodbye":
            await connection.close(1001)
        elif kind == "silent":
            connection.transport.close()
        elif kind == "reset":
            connection.reset()
        elif kind == "half_heard":
            connection.breaks_at_next = True
            self.send({"type": "ping"})  # answered, so that something comes
        elif kind == "half_said":
            data = _encoded(self.outgoing())
            self._write(connection, data[: len(data) // 2])
            connection.transport.close()
        else:
            connection.is_deaf = True
            connection.transport.pause_reading()
            await asyncio.sleep(self.chance.uniform(*STALL_SECONDS))
            connection.reset()
        await connection.wait_closed()
        self.counts[f"cut_{kind}"] += 1
        if kind in NETWORK_CUTS:
            await asyncio.sleep(self.chance.uniform(*ONLINE_SECONDS))
            self._is_online.set()


def _encoded(frame: Frames) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(frame).encode()).serialize(mask=True)
