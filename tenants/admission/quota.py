"""Quotas of a tenant in Redis: reserve before the work, settle with what it took, or release.

A counter that Redis lost is seeded again from the ledger. What was reserved at that moment and
settles later counts in full, so a loss can refuse a little early but never lets too much through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import ceil
from typing import Final

from django.utils import timezone
from redis.commands.core import Script

from core import tenancy
from core.redis import redis_client
from tenants.errors import QuotaExceeded

# Reads the quantity a tenant has used of a meter since an instant; runs in the tenant's scope.
UsageReader = Callable[[str, datetime], int]

LEASE_SECONDS: Final = 300
# A settlement may be repeated by a redelivered task for this long.
_REMEMBERED_SECONDS: Final = 86_400
_KEPT_SECONDS: Final = 40 * 86_400

# KEYS: totals {used, held}, reserved amounts by id, expiries by id, finished ids by time.
_BEGIN: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  redis.call('HINCRBY', KEYS[1], 'held', -(redis.call('HGET', KEYS[2], id) or 0))
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - tonumber(ARGV[1]))
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[2]) end
local id = ARGV[3]
"""
_RESERVE: Final = (
    _BEGIN
    + """
local amount, limit, lease, seed = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
if redis.call('HEXISTS', KEYS[1], 'used') == 0 then
  if seed == '' then return {-1, 0} end
  redis.call('HSET', KEYS[1], 'used', seed)
end
local used = tonumber(redis.call('HGET', KEYS[1], 'used'))
local taken = used + tonumber(redis.call('HGET', KEYS[1], 'held') or 0)
if redis.call('HEXISTS', KEYS[2], id) == 1 or redis.call('ZSCORE', KEYS[4], id) then
  return {1, taken}
end
if taken + amount > limit then return {0, taken} end
redis.call('HINCRBY', KEYS[1], 'held', amount)
redis.call('HSET', KEYS[2], id, amount)
redis.call('ZADD', KEYS[3], now + lease, id)
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[2]) end
return {1, taken + amount}
"""
)
# A counter that is not there gets nothing: its seed will come from the ledger.
_FINISH: Final = (
    _BEGIN
    + """
if redis.call('ZSCORE', KEYS[4], id) then return 0 end
local held = redis.call('HGET', KEYS[2], id)
if held then
  redis.call('HINCRBY', KEYS[1], 'held', -held)
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end
if redis.call('HEXISTS', KEYS[1], 'used') == 1 then
  redis.call('HINCRBY', KEYS[1], 'used', ARGV[4])
end
-- What was given back is forgotten: the same work may begin again under its id.
if ARGV[5] == 'settle' then
  redis.call('ZADD', KEYS[4], now, id)
  redis.call('EXPIRE', KEYS[4], ARGV[1])
end
return 1
"""
)
_RECONCILE: Final = """
local used = redis.call('HGET', KEYS[1], 'used')
if used and tonumber(used) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'used', ARGV[3])
  return 1
end
return 0
"""
# A meter of its own that the ledger keeps under another name.
_LEDGER_METERS: Final = {"spend_micro_per_day": "spend_micro"}
_SCRIPTS: Final = {"reserve": _RESERVE, "finish": _FINISH, "reconcile": _RECONCILE}


@dataclass(frozen=True, slots=True)
class Quota:
    """A meter's limit in the period [starts_at, resets_at)."""

    meter: str
    limit: int
    starts_at: datetime
    resets_at: datetime

    @property
    def keys(self) -> list[str]:
        """Return the Redis keys of the current tenant's counter."""
        period = f"{self.starts_at:%Y%m%d}"
        parts = ("totals", "amounts", "expiries", "finished")
        return [tenancy.tenant_key("quota", self.meter, period, part) for part in parts]


_readers: list[UsageReader] = []


def usage_reader_register(reader: UsageReader) -> None:
    """Let the app that keeps the ledger say what was used. Idempotent."""
    _readers[:] = [reader]


def quota_reserve(
    *, quota: Quota, reservation_id: str, amount: int = 1, lease_seconds: int = LEASE_SECONDS
) -> None:
    """Hold `amount` of a quota for work that is about to begin.

    Idempotent by `reservation_id`. Atomic in Redis. Raises QuotaExceeded, and redis.RedisError
    without Redis: spend fails closed.
    """
    values = (reservation_id, amount, quota.limit, lease_seconds)
    status, taken = _run("reserve", quota, *values, "")
    if status < 0:
        status, taken = _run("reserve", quota, *values, _used(quota))
    if not status:
        raise QuotaExceeded(
            quota=quota.meter,
            limit=quota.limit,
            used=taken,
            resets_at=quota.resets_at.isoformat(),
            retry_after=max(1, ceil((quota.resets_at - timezone.now()).total_seconds())),
        )


def quota_settle(*, quota: Quota, reservation_id: str, amount: int) -> None:
    """Count what the work really took, more or less than was reserved.

    Idempotent by `reservation_id`, for a day. Atomic in Redis; counts after the lease ended too.
    """
    _run("finish", quota, reservation_id, amount, "settle")


def quota_release(*, quota: Quota, reservation_id: str) -> None:
    """Give a reservation back after work that failed, which may be tried again under the same id.

    Idempotent, atomic in Redis; does nothing to what is settled.
    """
    _run("finish", quota, reservation_id, 0, "release")


def quota_reconcile(*, quota: Quota) -> None:
    """Raise the counter to what the ledger holds, if it counts less. Idempotent.

    The ledger lags behind, so it never lowers a counter.
    """
    _run("reconcile", quota, _used(quota))


def quota_held(*, quota: Quota) -> int:
    """Return how much is reserved and neither settled, released nor reclaimed."""
    return sum(int(value) for value in redis_client().hvals(quota.keys[1]))


def _used(quota: Quota) -> int:
    meter = _LEDGER_METERS.get(quota.meter, quota.meter)
    return sum(reader(meter, quota.starts_at) for reader in _readers)


def _run(name: str, quota: Quota, *values: str | int) -> tuple[int, int]:
    args = [_REMEMBERED_SECONDS, _KEPT_SECONDS, *values]
    reply = _script(name)(keys=quota.keys, args=args, client=redis_client())
    return (reply[0], reply[1]) if isinstance(reply, list) else (reply, 0)


@cache
def _script(name: str) -> Script:
    return redis_client().register_script(_SCRIPTS[name])
