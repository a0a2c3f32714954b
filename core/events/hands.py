"""What each thread has in hand: which delivery, since when, and whether it was given up.

A thread cannot be ended from outside. One whose handler does not come back is left behind: Postgres
ends its session, the relay counts the attempt, and whatever the thread does later finds no session.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# How long a statement of a handler may take, and how long it may be busy between two.
HANDLER_SECONDS: Final = 30
# Postgres ends the session first, which is how most handlers come back by themselves.
GRACE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Hand:
    """A delivery that a thread is at, in which database session, since when (monotonic seconds)."""

    delivery_id: int
    occurred_at: datetime
    session: int
    since: float

    @property
    def is_overdue(self) -> bool:
        return time.monotonic() - self.since > HANDLER_SECONDS + GRACE_SECONDS


_hands: dict[int, Hand] = {}
_given_up: set[int] = set()


@contextmanager
def holding(delivery_id: int, occurred_at: datetime, session: int) -> Iterator[None]:
    """Note for the block that this thread is at a delivery."""
    me = threading.get_ident()
    _hands[me] = Hand(delivery_id, occurred_at, session, time.monotonic())
    try:
        yield
    finally:
        _hands.pop(me, None)


def hand_of(thread: int) -> Hand | None:
    """Return what a thread has in hand."""
    return _hands.get(thread)


def start() -> int:
    """Begin work that somebody waits for in this thread; returns the thread's number."""
    me = threading.get_ident()
    _given_up.discard(me)
    return me


def give_up(thread: int) -> None:
    """Note that nobody waits for a thread any more."""
    _given_up.add(thread)


def is_given_up() -> bool:
    """Return whether nobody waits for this thread any more."""
    return threading.get_ident() in _given_up
