"""Token buckets in Redis: several are checked in one script, and a refusal takes from none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Final

from redis.commands.core import Script

from core.redis import redis_client

# Redis' clock decides: processes on hosts whose clocks differ share one bucket all the same.
# A bucket that would be full again says nothing, so its key expires then.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local levels, allowed = {}, 1
for i, key in ipairs(KEYS) do
  local burst, rate = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local stored = redis.call('HMGET', key, 'tokens', 'at')
  local tokens, at = tonumber(stored[1]) or burst, tonumber(stored[2]) or now
  tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000000)
  levels[i] = tokens
  if tokens < cost then allowed = 0 end
end
local reply = {allowed}
for i, key in ipairs(KEYS) do
  local burst, rate = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if allowed == 1 then
    levels[i] = levels[i] - cost
    redis.call('HSET', key, 'tokens', string.format('%.6f', levels[i]),
      'at', string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.ceil((burst - levels[i]) / rate * 1000) + 1000)
  end
  reply[i + 1] = string.format('%.6f', levels[i])
end
return reply
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's key and size: `burst` at once, refilled evenly within `seconds`."""

    key: str
    name: str
    burst: int
    seconds: int

    @property
    def per_second(self) -> float:
        return self.burst / self.seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the bucket nearest to its limit says: whole tokens left and seconds until more."""

    allowed: bool
    bucket: Bucket
    remaining: int
    reset: int
    retry_after: int


def take(*, buckets: Sequence[Bucket], cost: int = 1) -> Verdict:
    """Take `cost` from every bucket, or from none when one holds less.

    Not idempotent. Atomic in Redis, one round trip. Raises redis.RedisError without Redis.
    """
    sizes = [value for bucket in buckets for value in (bucket.burst, bucket.per_second)]
    reply = _script()(
        keys=[bucket.key for bucket in buckets], args=[cost, *sizes], client=redis_client()
    )
    levels = [float(level) for level in reply[1:]]
    tightest = min(range(len(buckets)), key=lambda n: levels[n] / buckets[n].burst)
    return _verdict(buckets[tightest], levels[tightest], allowed=bool(reply[0]), cost=cost)


def _verdict(bucket: Bucket, level: float, *, allowed: bool, cost: int) -> Verdict:
    missing = max(0.0, cost - level)
    return Verdict(
        allowed=allowed,
        bucket=bucket,
        remaining=int(level),
        reset=ceil((bucket.burst - level) / bucket.per_second),
        retry_after=0 if allowed else max(1, ceil(missing / bucket.per_second)),
    )


@cache
def _script() -> Script:
    return redis_client().register_script(_TAKE)
