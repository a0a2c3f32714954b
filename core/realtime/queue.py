"""What waits for one reader: bounded in bytes and frames, never silently short of a durable one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.observability.metrics import ws_backpressure_drops
from core.realtime.errors import SlowConsumer
from core.realtime.slim import waiting_on, wake

MAX_BYTES = 1024 * 1024
MAX_FRAMES = 2_000
ROOM_SECONDS = 30.0
# What may be dropped has half of the queue: the rest is for what may not.
EPHEMERAL_SHARE = 0.5


class Policy(StrEnum):
    """Which ephemeral frame goes when a new one finds no room.

    Under `priority` a slight one (typing, who looks on) makes room for another, else the new one
    goes, so that a reply being written has no hole.
    """

    OLDEST = "oldest"
    NEWEST = "newest"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class Waiting:
    text: str
    size: int
    is_durable: bool
    is_slight: bool


class OutboundQueue:
    """Frames for one connection, in order; filled by anyone on the loop, emptied by its writer.

    Ephemeral frames have half of the room, by the policy; those waiting are dropped before a
    durable one would not fit, slight ones first. When that does not help the reader is too slow:
    `put` raises SlowConsumer and takes nothing more.
    """

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_frames: int = MAX_FRAMES,
        policy: Policy = Policy.PRIORITY,
    ) -> None:
        self.max_bytes = max_bytes
        self.max_frames = max_frames
        self.policy = policy
        self.bytes = 0
        # A list and futures made when somebody waits: most queues are empty, and thousands of them.
        self._frames: list[Waiting] = []
        self._ephemeral = 0
        self._ready: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._is_closed = False
        self._push: Callable[[str], bool] | None = None
        self._begin: Callable[[], None] | None = None

    def connect(self, push: Callable[[str], bool], begin: Callable[[], None]) -> None:
        """Try `push` on frames that nothing waits before, and call `begin` when one has to wait."""
        self._push, self._begin = push, begin

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, text: str, *, is_durable: bool, is_slight: bool = False) -> None:
        """Add a frame without waiting; raises SlowConsumer when a durable one does not fit."""
        if self._is_closed:
            return
        if not self._frames and self._push is not None and self._push(text):
            return
        size = len(text) if text.isascii() else len(text.encode())
        frame = Waiting(text, size, is_durable, is_slight and not is_durable)
        if self._is_full(size, self._share(frame)) and not self._room_make(frame):
            self._refuse(frame)
            return
        self._frames.append(frame)
        self.bytes += size
        self._ephemeral += not is_durable
        wake(self._ready)
        if self._begin is not None:
            self._begin()

    async def get(self) -> str | None:
        """Return the next frame, waiting for one; None once the queue is closed and empty."""
        while not self._frames:
            if self._is_closed:
                return None
            self._ready = waiting_on(self._ready)
            await self._ready
        frame = self._frames.pop(0)
        self.bytes -= frame.size
        self._ephemeral -= not frame.is_durable
        wake(self._taken)
        return frame.text

    def take(self) -> list[str]:
        """Return all that waits, without waiting."""
        texts = [frame.text for frame in self._frames]
        self._clear()
        wake(self._taken)
        return texts

    async def room(self, seconds: float = ROOM_SECONDS) -> None:
        """Wait until the queue is less than half full; raises SlowConsumer if that takes too long.

        Whoever can wait (a catch-up from the database) puts frames only after this.
        """
        try:
            async with asyncio.timeout(seconds):
                while self._is_full(0, share=0.5) and not self._is_closed:
                    self._taken = waiting_on(self._taken)
                    await asyncio.shield(self._taken)
        except TimeoutError:
            raise SlowConsumer from None

    def finish(self) -> None:
        """Take no more; what waits is still delivered."""
        self._is_closed = True
        wake(self._ready)
        wake(self._taken)

    def close(self) -> None:
        """Take no more and forget what waits."""
        self._clear()
        self.finish()

    def _share(self, frame: Waiting) -> float:
        return 1.0 if frame.is_durable else EPHEMERAL_SHARE

    def _clear(self) -> None:
        self._frames.clear()
        self.bytes = self._ephemeral = 0

    def _refuse(self, frame: Waiting) -> None:
        if frame.is_durable:
            self.close()
            raise SlowConsumer
        ws_backpressure_drops.labels(policy=self.policy.value).inc()

    def _room_make(self, frame: Waiting) -> bool:
        """Drop what may go for a frame, if that is enough for it; nothing else."""
        may_go = self._may_go(frame)
        if may_go is None or not self._ephemeral:
            return False
        candidates = [*filter(may_go, self._frames)]
        if self.policy is Policy.PRIORITY:
            # A stable sort: of each kind those first that have waited longest.
            candidates.sort(key=lambda each: not each.is_slight)
        going: set[int] = set()
        size, count = self.bytes, len(self._frames)
        for each in candidates:
            if self._fits(frame.size, self._share(frame), size, count):
                break
            going.add(id(each))
            size, count = size - each.size, count - 1
        if not self._fits(frame.size, self._share(frame), size, count):
            return False
        self._drop(going)
        return True

    def _may_go(self, frame: Waiting) -> Callable[[Waiting], bool] | None:
        """Return which waiting frames may make room for a new one, None for none."""
        if frame.is_durable:
            return lambda waiting: not waiting.is_durable
        if self.policy is Policy.OLDEST:
            return lambda waiting: not waiting.is_durable
        if self.policy is Policy.PRIORITY and not frame.is_slight:
            return lambda waiting: waiting.is_slight
        return None

    def _drop(self, going: set[int]) -> None:
        ws_backpressure_drops.labels(policy=self.policy.value).inc(len(going))
        self._frames = [frame for frame in self._frames if id(frame) not in going]
        self.bytes = sum(frame.size for frame in self._frames)
        self._ephemeral -= len(going)

    def _is_full(self, size: int, share: float = 1.0) -> bool:
        return not self._fits(size, share, self.bytes, len(self._frames))

    def _fits(self, size: int, share: float, waiting_bytes: int, waiting: int) -> bool:
        is_few = waiting + 1 <= self.max_frames * share
        return is_few and waiting_bytes + size <= self.max_bytes * share
