"""Buckets of this process alone: what is left to count with while Redis is gone."""

from __future__ import annotations

import threading
from typing import Final

from core.errors import RateLimited
from core.realtime.rate import TokenBucket
from tenants.admission.rate import Bucket

_LIMIT: Final = 10_000
_buckets: dict[str, TokenBucket] = {}
_lock = threading.Lock()


def local_take(bucket: Bucket) -> None:
    """Take one token of this process's own bucket; raises RateLimited when it is empty."""
    with _lock:
        if len(_buckets) >= _LIMIT:
            _buckets.clear()
        known = _buckets.setdefault(bucket.key, TokenBucket(bucket.per_second, bucket.burst))
        if not known.take():
            raise RateLimited(retry_after=max(1, round(known.wait_seconds())), limit=bucket.name)


def local_forget() -> None:
    """Start over with full buckets."""
    with _lock:
        _buckets.clear()
