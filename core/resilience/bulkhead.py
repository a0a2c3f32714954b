"""So many calls of a kind at once in a workspace, over all workers, and no more.

A place is leased: that of a killed worker comes back when its lease ends. While Redis is gone each
process keeps the limit by itself, so there may be as many times the limit as there are processes,
but never no limit. Who waits for a place is served in no particular order.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from typing import Final
from uuid import uuid4

from redis import RedisError

from core import tenancy
from core.observability.metrics import bulkhead_rejections_total
from core.resilience.deadline import seconds_left, seconds_within
from core.resilience.errors import BulkheadFull
from core.resilience.interruption import interruption_check, pause
from core.resilience.names import guard_label
from core.resilience.shared import SharedScript

LEASE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.02
RETRY_SECONDS: Final = 1

# KEYS: holders by the end of their lease, a sorted set. Redis' clock decides.
# ARGV: holder, lease in seconds, limit (-1: renew what is held, whatever the limit).
_TAKE: Final = SharedScript("""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local key, holder, lease, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
if limit >= 0 and redis.call('ZCARD', key) >= limit then
  return 0
end
redis.call('ZADD', key, string.format('%.6f', now + lease), holder)
local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
redis.call('PEXPIRE', key, math.ceil((tonumber(last) - now) * 1000) + 1000)
return 1
""")
_GIVE_BACK: Final = SharedScript("return redis.call('ZREM', KEYS[1], ARGV[1])")
_ANY: Final = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A place that is held; work that outlasts its lease renews it."""

    key: str
    holder: str
    lease_seconds: float
    is_shared: bool

    def renew(self) -> None:
        """Keep the place for another lease. Without Redis nothing happens: leases end there."""
        if self.is_shared:
            with suppress(RedisError):
                _TAKE.run(key=self.key, args=[self.holder, self.lease_seconds, _ANY])


@contextmanager
def bulkhead(
    name: str, limit: int, *, wait_seconds: float = 0.0, lease_seconds: float | None = None
) -> Iterator[Place]:
    """Hold one of `limit` places of the current tenant's `name` for the length of the block.

    A full bulkhead is waited for `wait_seconds`, within the deadline. The lease is 60 seconds, or
    as long as the deadline leaves; work without a deadline that takes longer gives its own, or
    renews the place. Raises BulkheadFull with `limit` and `retry_after`, Cancelled and
    DeadlineExceeded (before the block), TenantContextMissing.
    """
    place = _waited_for(name, limit, wait_seconds, lease_seconds or _lease())
    try:
        yield place
    finally:
        _give_back(place)


def _lease() -> float:
    """A second more than the deadline leaves, because work ends a little after it is broken off."""
    left = seconds_left()
    return LEASE_SECONDS if left is None else left + 1


def _waited_for(name: str, limit: int, wait_seconds: float, lease_seconds: float) -> Place:
    key, holder = tenancy.tenant_key("bulkhead", name), uuid4().hex
    until = time.monotonic() + seconds_within(wait_seconds)
    while True:
        interruption_check()
        place = _take(key, holder, limit, lease_seconds)
        if place is not None:
            return place
        if time.monotonic() >= until:
            bulkhead_rejections_total.labels(name=guard_label(name)).inc()
            raise BulkheadFull(limit=limit, retry_after=max(RETRY_SECONDS, ceil(wait_seconds)))
        pause(POLL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load


def _take(key: str, holder: str, limit: int, lease_seconds: float) -> Place | None:
    try:
        is_taken, is_shared = bool(_TAKE.run(key=key, args=[holder, lease_seconds, limit])), True
    except RedisError:
        is_taken, is_shared = _local.take(key, limit), False
    return Place(key, holder, lease_seconds, is_shared) if is_taken else None


def _give_back(place: Place) -> None:
    if not place.is_shared:
        _local.give_back(place.key)
        return
    with suppress(RedisError):  # then the lease ends by itself
        _GIVE_BACK.run(key=place.key, args=[place.holder])


class LocalPlaces:
    """The places of this process alone, while Redis is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def take(self, key: str, limit: int) -> bool:
        with self._lock:
            if self._held[key] >= limit:
                return False
            self._held[key] += 1
            return True

    def give_back(self, key: str) -> None:
        with self._lock:
            self._held[key] -= 1
            if self._held[key] <= 0:
                del self._held[key]


_local = LocalPlaces()
