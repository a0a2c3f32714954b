"""What waits for one reader: bounded in bytes and frames, never silently short of a durable one."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from core.observability.metrics import ws_backpressure_drops
from core.realtime.errors import SlowConsumer

MAX_BYTES = 1024 * 1024
MAX_FRAMES = 2_000
ROOM_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Waiting:
    text: str
    size: int
    is_durable: bool


class OutboundQueue:
    """Frames for one connection, in order; filled by anyone on the loop, emptied by its writer.

    Ephemeral frames are the first to go: a new one is dropped when the queue is half full, those
    waiting are dropped before a durable one would not fit. When that does not help the reader is
    too slow: `put` raises SlowConsumer and takes nothing more.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_frames: int = MAX_FRAMES) -> None:
        self.max_bytes = max_bytes
        self.max_frames = max_frames
        self.bytes = 0
        self._frames: deque[Waiting] = deque()
        self._ready = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, text: str, *, is_durable: bool) -> None:
        """Add a frame without waiting; raises SlowConsumer when a durable one does not fit."""
        if self._is_closed:
            return
        size = len(text) if text.isascii() else len(text.encode())
        if not is_durable and self._is_full(size, share=0.5):
            ws_backpressure_drops.labels(policy="newest").inc()
            return
        if self._is_full(size):
            self._ephemeral_drop()
        if self._is_full(size):
            self.close()
            raise SlowConsumer
        self._frames.append(Waiting(text, size, is_durable))
        self.bytes += size
        self._ready.set()

    async def get(self) -> str | None:
        """Return the next frame, waiting for one; None once the queue is closed and empty."""
        while not self._frames:
            if self._is_closed:
                return None
            self._ready.clear()
            await self._ready.wait()
        frame = self._frames.popleft()
        self.bytes -= frame.size
        self._taken.set()
        return frame.text

    def take(self) -> list[str]:
        """Return all that waits, without waiting."""
        texts = [frame.text for frame in self._frames]
        self._frames.clear()
        self.bytes = 0
        self._taken.set()
        return texts

    async def room(self, seconds: float = ROOM_SECONDS) -> None:
        """Wait until the queue is less than half full; raises SlowConsumer if that takes too long.

        Whoever can wait (a catch-up from the database) puts frames only after this.
        """
        try:
            async with asyncio.timeout(seconds):
                while self._is_full(0, share=0.5) and not self._is_closed:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            raise SlowConsumer from None

    def finish(self) -> None:
        """Take no more; what waits is still delivered."""
        self._is_closed = True
        self._ready.set()
        self._taken.set()

    def close(self) -> None:
        """Take no more and forget what waits."""
        self._frames.clear()
        self.bytes = 0
        self.finish()

    def _is_full(self, size: int, share: float = 1.0) -> bool:
        is_too_many = len(self._frames) + 1 > self.max_frames * share
        return is_too_many or self.bytes + size > self.max_bytes * share

    def _ephemeral_drop(self) -> None:
        kept = deque(frame for frame in self._frames if frame.is_durable)
        dropped = len(self._frames) - len(kept)
        if dropped:
            ws_backpressure_drops.labels(policy="oldest").inc(dropped)
            self._frames = kept
            self.bytes = sum(frame.size for frame in kept)
