"""How remote providers fare: all processes' calls and failures by minute, for the load monitor."""

from datetime import timedelta

import structlog
from django.utils import timezone
from redis import RedisError

from core.redis import redis_client

KEPT_SECONDS = 300
# Fewer calls say nothing about a provider.
MIN_CALLS = 20
log = structlog.get_logger(__name__)


def outcome_count(*, has_failed: bool) -> None:
    """Count a call of a remote provider; never raises."""
    key = _key(0)
    try:
        pipeline = redis_client().pipeline(transaction=False)
        pipeline.hincrby(key, "calls", 1)
        pipeline.hincrby(key, "failures", int(has_failed))
        pipeline.expire(key, KEPT_SECONDS)
        pipeline.execute()
    except RedisError as error:
        log.warning("outcome_uncounted", error=type(error).__name__)


def failure_share() -> float | None:
    """Return the share of calls that failed in this minute and the last; None for too few calls."""
    calls = failures = 0
    for minutes in (0, 1):
        counted = redis_client().hgetall(_key(minutes))
        calls += int(counted.get(b"calls", 0))
        failures += int(counted.get(b"failures", 0))
    return failures / calls if calls >= MIN_CALLS else None


def _key(minutes_ago: int) -> str:
    minute = timezone.now() - timedelta(minutes=minutes_ago)
    return f"fd:platform:providers:{minute:%Y%m%d%H%M}"
