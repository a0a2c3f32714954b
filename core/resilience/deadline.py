"""Until when the current work is of use to whoever asked for it.

A context variable holds a point of `time.monotonic()`. Work in a new thread has none unless it is
carried over with `contextvars.copy_context().run`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.resilience.errors import DeadlineExceeded

_deadline: ContextVar[float | None] = ContextVar("frontdesk_deadline", default=None)


@contextmanager
def deadline_scope(seconds: float | None) -> Iterator[None]:
    """Give the block `seconds` from now; None leaves what the outer scope gave.

    An inner scope never extends an outer one. The block is not stopped by this alone: it asks with
    `deadline_check`, or lets itself be stopped with `interruption.aborting`.
    """
    with deadline_until(None if seconds is None else time.monotonic() + seconds):
        yield


@contextmanager
def deadline_until(moment: float | None) -> Iterator[None]:
    """Give the block until a point of `time.monotonic()`; otherwise like `deadline_scope`."""
    given = [at for at in (_deadline.get(), moment) if at is not None]
    token = _deadline.set(min(given, default=None))
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline() -> float | None:
    """Return the current deadline as a point of `time.monotonic()`, or None without one."""
    return _deadline.get()


def seconds_left() -> float | None:
    """Return the seconds until the deadline, never less than 0.0; None without a deadline."""
    at = _deadline.get()
    return None if at is None else max(0.0, at - time.monotonic())


def seconds_within(seconds: float) -> float:
    """Return `seconds`, or what is left until the deadline when that is less."""
    left = seconds_left()
    return seconds if left is None else min(seconds, left)


def deadline_check() -> None:
    """Raise DeadlineExceeded when the deadline has passed."""
    if seconds_left() == 0.0:
        raise DeadlineExceeded()
