"""How many frames one connection may send."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """Allow `rate` a second on average and bursts of `burst`."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = burst
        self._checked_at = clock()

    def take(self, cost: float = 1.0) -> bool:
        """Take `cost` tokens; False when there are fewer."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._checked_at) * self.rate)
        self._checked_at = now
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def wait_seconds(self) -> float:
        """Return how long until the next token."""
        return max(0.0, (1 - self._tokens) / self.rate)
