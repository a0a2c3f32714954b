"""Places of a workspace in Redis: so many sockets, uploads or waiting calls at once, and no more.

A place is leased to a holder: who dies without giving it back loses it with the lease. Taking again
under the same holder only renews, so a repeated call holds no second place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import uuid4

from redis import RedisError
from redis.commands.core import Script

from core import tenancy
from core.redis import redis_client
from tenants.errors import ConcurrencyLimit

LEASE_SECONDS: Final = 75
RETRY_SECONDS: Final = 2

# KEYS: a sorted set of holders by the end of their lease, for each place. Redis' clock decides.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local holder, lease = ARGV[1], tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local limit = tonumber(ARGV[i + 2])
  if limit >= 0 and not redis.call('ZSCORE', key, holder) and redis.call('ZCARD', key) >= limit then
    return i
  end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + lease, holder)
  redis.call('EXPIRE', key, lease * 2)
end
return 0
"""
_ANY: Final = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place, whose it is ("" for the whole workspace's), and how many there are."""

    kind: str
    limit: int
    subject: str = ""

    @property
    def key(self) -> str:
        return tenancy.tenant_key("places", self.kind, *([self.subject] if self.subject else []))


def places_take(
    *, places: Sequence[Place], holder: str, lease_seconds: int = LEASE_SECONDS
) -> None:
    """Take one of each place, or none when one kind is full.

    Idempotent by holder, atomic in Redis. Raises ConcurrencyLimit, and redis.RedisError without
    Redis.
    """
    full = _take(places, holder, lease_seconds, [place.limit for place in places])
    if full:
        place = places[full - 1]
        raise ConcurrencyLimit(limit=place.limit, of=place.kind, retry_after=RETRY_SECONDS)


def places_renew(
    *, places: Sequence[Place], holder: str, lease_seconds: int = LEASE_SECONDS
) -> None:
    """Keep places for who has them; also when Redis forgot, for they are taken all the same."""
    _take(places, holder, lease_seconds, [_ANY] * len(places))


def places_release(*, places: Sequence[Place], holder: str) -> None:
    """Give places back. Idempotent; without Redis they lapse by themselves."""
    with suppress(RedisError):
        pipeline = redis_client().pipeline(transaction=False)
        for place in places:
            pipeline.zrem(place.key, holder)
        pipeline.execute()


@contextmanager
def places_held(*places: Place, lease_seconds: int = LEASE_SECONDS) -> Iterator[None]:
    """Hold places for the length of a block; raises as `places_take` does."""
    holder = uuid4().hex
    places_take(places=places, holder=holder, lease_seconds=lease_seconds)
    try:
        yield
    finally:
        places_release(places=places, holder=holder)


def _take(places: Sequence[Place], holder: str, lease_seconds: int, limits: Sequence[int]) -> int:
    keys = [place.key for place in places]
    found: int = _script()(keys=keys, args=[holder, lease_seconds, *limits], client=redis_client())
    return found


@cache
def _script() -> Script:
    return redis_client().register_script(_TAKE)
