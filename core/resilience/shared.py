"""Redis, where workers share breakers and bulkheads, and what is done while it is gone.

A client of its own with short timeouts and no pauses between attempts: a guard must not hold up
what it guards. After a failure Redis is left alone for a moment, so that an outage costs one
time-out a second and not one a call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisUnreachable
from redis.exceptions import RedisError
from redis.retry import Retry

ALONE_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 1.0
log = structlog.get_logger(__name__)


class SharedScript:
    """A Lua script that runs in one round trip."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._registered = cache(lambda: client().register_script(self._text))

    def run(self, *, key: str, args: Sequence[str | int | float]) -> Any:
        """Return the script's reply; raises redis.RedisError, at once when Redis is known gone."""
        _outage.check()
        try:
            reply = self._registered()(keys=[key], args=args, client=client())
        except RedisError:
            _outage.begin()
            raise
        _outage.end()
        return reply


class _Outage:
    """Whether Redis has failed lately; logs the beginning and the end, once each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False
        self._ask_at = 0.0

    def check(self) -> None:
        if self._is_on and time.monotonic() < self._ask_at:
            raise RedisUnreachable("Redis did not answer a moment ago.")

    def begin(self) -> None:
        with self._lock:
            is_new, self._is_on = not self._is_on, True
            self._ask_at = time.monotonic() + ALONE_SECONDS
        if is_new:
            log.warning("resilience_unshared")

    def end(self) -> None:
        if not self._is_on:
            return
        with self._lock:
            was_on, self._is_on = self._is_on, False
        if was_on:
            log.info("resilience_shared_again")


_outage = _Outage()


@cache
def client() -> redis.Redis:
    """Return the guards' client; one repeated attempt, for a connection that had gone stale."""
    return redis.Redis.from_url(
        str(settings.REDIS_URL),
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def forget() -> None:
    """Connect anew, as if Redis had never failed (for tests that move or stop it)."""
    client.cache_clear()
    _outage.end()
