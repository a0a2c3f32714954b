"""Tell work under way that nobody wants it any more.

The token of the current work is a context variable, like its deadline. Work asks (`check`), waits
(`wait`) or says how it can be broken off (`on_cancel`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.resilience.callback import Callback
from core.resilience.errors import Cancelled


class CancelToken:
    """Whether something was cancelled, and why. Safe to share between threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callback] = {}
        self._reason = ""

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """Return why, in a word or code of the caller; "" before."""
        return self._reason

    def cancel(self, reason: str = "") -> None:
        """Cancel, and run the callbacks in this thread before returning. The first reason stays."""
        with self._lock:
            if self._event.is_set():
                return
            self._reason = reason
            self._event.set()
            callbacks, self._callbacks = list(self._callbacks.values()), {}
        for callback in callbacks:
            callback.run()

    def on_cancel(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call `call` once when cancelled, at once if that has happened; returns how to detach it.

        Once detached it is not running and never will, see `Callback`.
        """
        callback = Callback(call)
        with self._lock:
            is_late = self._event.is_set()
            if not is_late:
                self._callbacks[id(callback)] = callback
        if is_late:
            callback.run()

        def detach() -> None:
            with self._lock:
                self._callbacks.pop(id(callback), None)
            callback.detach()

        return detach

    def check(self) -> None:
        """Raise Cancelled when cancelled."""
        if self._event.is_set():
            raise Cancelled(reason=self._reason) if self._reason else Cancelled()

    def wait(self, seconds: float | None) -> bool:
        """Wait so long, or for ever; returns at once, with True, when cancelled."""
        return self._event.wait(seconds)


_token: ContextVar[CancelToken | None] = ContextVar("frontdesk_cancel_token", default=None)


def current_token() -> CancelToken:
    """Return the token of the current work; outside every scope, one that nobody can cancel."""
    return _token.get() or CancelToken()


def cancellation_check() -> None:
    """Raise Cancelled when the current work was cancelled."""
    token = _token.get()
    if token is not None:
        token.check()


@contextmanager
def cancel_scope(token: CancelToken) -> Iterator[CancelToken]:
    """Make `token` the block's; cancelling an outer scope's token cancels it too."""
    outer = _token.get()

    def follow() -> None:
        token.cancel(outer.reason if outer else "")

    detach = outer.on_cancel(follow) if outer is not None and outer is not token else None
    entered = _token.set(token)
    try:
        yield token
    finally:
        _token.reset(entered)
        if detach is not None:
            detach()
