"""What a process remembers of settings and flags for a moment, and how it learns of a change.

A mark is a random word in Redis that a writer replaces after its commit. Readers look at the marks
every quarter of a second and load again when one differs, so a change reaches every process at
once; what nobody marked (a writer that died between commit and mark) is loaded again after five
seconds. Without Redis everything is loaded again each second.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar, cast

import redis
from django.conf import settings
from django.db import connections, transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.db.router import database_alias
from core.redis import redis_client

CHECK_SECONDS = 0.25
KEEP_SECONDS = 5.0
UNCHECKED_SECONDS = 1.0
_LIMIT = 10_000

Value = TypeVar("Value")
Marks = tuple[str, ...]
Seen = list[bytes | None]


@dataclass(slots=True)
class _Entry:
    value: Any
    marks: Marks
    seen: Seen | None
    checked_until: float
    kept_until: float


_entries: dict[Hashable, _Entry] = {}
# Marks whose writer has not committed yet: what is loaded meanwhile may be undone with it.
_unsettled: dict[str, float] = {}
_lock = threading.Lock()
_redis_away_until = 0.0


@cache
def marks_client() -> redis.Redis:
    """Return a client that gives up at once: a page does not wait for Redis to come back."""
    return redis.Redis.from_url(
        str(settings.REDIS_URL),
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 0),
    )


def remembered(key: Hashable, *, marks: Marks, load: Callable[[], Value]) -> Value:
    """Return what `load` gives, remembered in this process until one of the marks changes."""
    now = time.monotonic()
    found = _entries.get(key)
    if found is not None and now < found.checked_until:
        return cast(Value, found.value)
    seen = _marks_read(marks, now)  # before loading, so that a change in between shows
    if found is not None and seen is not None and found.seen == seen and now < found.kept_until:
        found.checked_until = now + CHECK_SECONDS
        return cast(Value, found.value)
    value = load()
    if not _may_be_undone(marks, now):
        wait = UNCHECKED_SECONDS if seen is None else CHECK_SECONDS
        _store(key, _Entry(value, marks, seen, time.monotonic() + wait, now + KEEP_SECONDS))
    return value


def changed(*marks: str) -> None:
    """Make every process load again what stands under these marks; called by the writer.

    Inside its transaction: this process forgets at once, the others when it has committed.
    """
    until = time.monotonic() + KEEP_SECONDS
    with _lock:
        _unsettled.update(dict.fromkeys(marks, until))
    _forget(marks)
    transaction.on_commit(partial(_settle, marks), using=database_alias(), robust=True)


def forget_all() -> None:
    """Drop everything remembered in this process."""
    with _lock:
        _entries.clear()
        _unsettled.clear()


def _settle(marks: Marks) -> None:
    with _lock:
        for mark in marks:
            _unsettled.pop(mark, None)
    _forget(marks)
    for mark in marks:
        redis_client().set(mark, secrets.token_hex(8))


def _forget(marks: Marks) -> None:
    with _lock:
        for key in [key for key, entry in _entries.items() if set(entry.marks) & set(marks)]:
            del _entries[key]


def _store(key: Hashable, entry: _Entry) -> None:
    with _lock:
        if len(_entries) >= _LIMIT:
            _entries.clear()
        _entries[key] = entry


def _may_be_undone(marks: Marks, now: float) -> bool:
    is_unsettled = any(_unsettled.get(mark, 0.0) > now for mark in marks)
    return is_unsettled and connections[database_alias()].in_atomic_block


def _marks_read(marks: Marks, now: float) -> Seen | None:
    """Return the marks as they stand, or None while Redis is away; tried again after a second."""
    global _redis_away_until
    if now < _redis_away_until:
        return None
    try:
        return cast(Seen, marks_client().mget(marks))
    except redis.RedisError:
        _redis_away_until = time.monotonic() + UNCHECKED_SECONDS
        return None
