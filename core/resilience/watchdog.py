"""Call back at a point in time, from one thread for the whole process."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable
from itertools import count

from core.resilience.callback import Callback


class Watchdog:
    """A heap of moments and the daemon thread that waits for the nearest of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callback]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def at(self, moment: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` at a point of `time.monotonic()`; returns how to detach it (`Callback`)."""
        callback = Callback(call)
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._numbers), callback))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            if self._due[0][2] is callback:
                self._changed.notify()
        return callback.detach

    def _watch(self) -> None:
        while True:
            self._next().run()

    def _next(self) -> Callback:
        """Wait for the nearest moment and take its callback off the heap."""
        with self._changed:
            while True:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)


_watchdog = Watchdog()


def call_at(moment: float, call: Callable[[], None]) -> Callable[[], None]:
    """Call `call` at a point of `time.monotonic()`, unless what this returns is called before."""
    return _watchdog.at(moment, call)


def _begin_anew() -> None:
    """A forked child has its parent's heap but not the thread."""
    global _watchdog
    _watchdog = Watchdog()


os.register_at_fork(after_in_child=_begin_anew)
