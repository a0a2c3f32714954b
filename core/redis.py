"""One Redis connection pool per process."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings


@cache
def redis_client() -> redis.Redis:
    """Return the process's client; values are bytes. Keys come from `tenancy.tenant_key`."""
    return redis.Redis.from_url(
        str(settings.REDIS_URL),
        socket_timeout=5,
        socket_connect_timeout=2,
        health_check_interval=30,
    )
