"""One sequence of durable frames to one connection: each once, in order, holes filled.

Broadcasts may be lost, doubled or overtake each other; the database has them all. A feed forwards
what comes next and reads the rest from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass

import structlog

from core.realtime.errors import SlowConsumer
from core.realtime.queue import OutboundQueue
from core.realtime.wire import Packet

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A durable frame as the database has it."""

    seq: int
    text: str


Fetch = Callable[[int], Awaitable[Sequence[Stored]]]


class Feed:
    """Follows one sequence from a position on.

    `fetch(after)` returns the next stored frames after a seq, a page at most and none at the end.
    Nothing is forwarded before `start`.
    """

    def __init__(self, *, queue: OutboundQueue, fetch: Fetch, on_slow: Callable[[], None]) -> None:
        self.position = 0
        self._queue = queue
        self._fetch = fetch
        self._on_slow = on_slow
        self._is_started = False
        self._is_behind = False
        self._task: asyncio.Task[None] | None = None
        # The hub calls `deliver` in no tenant's name; reading happens in the one we were made in.
        self._context = copy_context()

    def start(self, position: int, last: int) -> None:
        """Send everything after `position`, and from then on whatever comes.

        `last` is the newest stored seq known: without anything missing nothing is read.
        """
        self.position = position
        self._is_started = True
        if last > position or self._is_behind:
            self.catch_up()

    def stop(self) -> None:
        self._is_started = False
        if self._task is not None:
            self._task.cancel()

    def deliver(self, packet: Packet) -> None:
        """Take a broadcast; raises SlowConsumer."""
        if not self._is_started:
            self._is_behind = self._is_behind or packet.seq > 0
        elif packet.seq == 0:
            self._queue.put(packet.text, is_durable=packet.is_durable, is_slight=packet.is_slight)
        elif self._task is not None:
            self._is_behind = True
        elif packet.seq == self.position + 1:
            self._queue.put(packet.text, is_durable=True)
            self.position = packet.seq
        elif packet.seq > self.position:
            self.catch_up()

    def catch_up(self) -> None:
        """Read what is missing from the database, in the background."""
        if not self._is_started:
            return
        self._is_behind = True
        if self._task is None:
            self._task = asyncio.create_task(self._fill(), context=self._context.copy())

    async def _fill(self) -> None:
        try:
            while self._is_behind:
                self._is_behind = False
                while await self._page():
                    pass
        except SlowConsumer:
            self._on_slow()
        except Exception:
            # The position stays where it is, and the next heartbeat tries again.
            log.exception("feed_catch_up_failed")
        finally:
            self._task = None

    async def _page(self) -> bool:
        """Send the next page; False when there was none."""
        stored = await self._fetch(self.position)
        for frame in stored:
            await self._queue.room()
            self._queue.put(frame.text, is_durable=True)
            self.position = frame.seq
        return bool(stored)
