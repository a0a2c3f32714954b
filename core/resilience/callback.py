"""A callback that runs once at most, and never after it was detached."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class Callback:
    """Call something once, from whichever thread comes first.

    After `detach` has returned the call is neither running nor will it run, so what it would touch
    (a socket, say) may be given to others. The call must be quick and wait for no other thread.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call
        self._lock = threading.RLock()

    def run(self) -> None:
        """Make the call unless it was made or detached; what it raises is logged."""
        with self._lock:
            call, self._call = self._call, None
            if call is None:
                return
            try:
                call()
            except Exception:
                log.exception("callback_failed")

    def detach(self) -> None:
        """Prevent the call, waiting while it runs."""
        with self._lock:
            self._call = None
