"""Broadcasts of one sequence that overtook each other between commit and Redis, put back in order.

Every follower would notice the hole and read it from the database, all at once, for a frame that
comes a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.realtime.wire import Packet

HOLD_SECONDS = 0.1


class Reordering:
    """One sequence on its way to its followers: what is too early waits a moment.

    What does not come within that moment was lost, or will be late: then what waits is forwarded,
    and followers fill the hole from the database.
    """

    __slots__ = ("_early", "_forward", "_last", "_timer")

    def __init__(self, forward: Callable[[Packet], None]) -> None:
        self._forward = forward
        self._last = 0
        self._early: dict[int, Packet] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, packet: Packet) -> None:
        """Forward a packet that has a seq, now or in its turn."""
        if self._last and packet.seq > self._last + 1:
            self._early[packet.seq] = packet
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(HOLD_SECONDS, self._give_up)
            return
        self._pass(packet)
        while (following := self._early.pop(self._last + 1, None)) is not None:
            self._pass(following)
        if not self._early:
            self.close()

    def close(self) -> None:
        """Forget what waits."""
        self._early.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self, packet: Packet) -> None:
        self._last = max(self._last, packet.seq)
        self._forward(packet)

    def _give_up(self) -> None:
        early = [self._early[seq] for seq in sorted(self._early)]
        self.close()
        for packet in early:
            self._pass(packet)
