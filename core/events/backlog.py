"""How much the relay has before it: what the health checks, the metrics and the switches ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connections

from core import tenancy

# First deliveries that an open replay of their tenant and subscriber holds back; `d` is theirs.
HELD: Final = """
    d.attempts = 0 AND EXISTS (SELECT 1 FROM core_eventreplay r
        WHERE r.state IN ('requested', 'planning', 'delivering') AND r.is_holding
          AND r.tenant_id = d.tenant_id AND r.subscriber = d.subscriber
          AND d.occurred_at >= r.since)
"""
# Replays take their time, and so does what waits for them; neither is a backlog.
_BACKLOG = f"""
    SELECT count(*), coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0),
        (SELECT count(*) FROM core_delivery WHERE state = 'dead'),
        (SELECT count(*) FROM core_eventreplay
         WHERE state IN ('requested', 'planning', 'delivering'))
    FROM core_delivery d
    WHERE d.state = 'pending' AND d.replay_id IS NULL AND d.next_attempt_at < now() AND NOT ({HELD})
"""  # noqa: S608 - HELD is a constant


@dataclass(frozen=True, slots=True)
class Backlog:
    """Deliveries due, the age of the oldest in seconds, dead letters, open replays."""

    due: int
    lag_seconds: float
    dead: int
    replays: int


def backlog_read() -> Backlog:
    """Return the backlog of the whole installation."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(_BACKLOG)
        due, lag, dead, replays = cursor.fetchone()
    return Backlog(due, float(lag), dead, replays)
