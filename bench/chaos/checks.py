"""What the database and the shop say after the storm: every count should be nought."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from bench.chaos.shop import Effects
from bench.chaos.stack import SLUGS, Stack
from bench.chaos.talking import Talk
from bench.chaos.tools import DOING

CALM_SECONDS: Final = 180.0
Connection = psycopg.Connection[tuple[Any, ...]]
# By schema: rows that should not be there.
_WRONG: Final = {
    "messages_twice": "SELECT count(*) FROM (SELECT 1 FROM {s}.conversations_message"
    " WHERE client_id IS NOT NULL GROUP BY conversation_id, client_id HAVING count(*) > 1) x",
    "replies_twice": "SELECT count(*) FROM (SELECT 1 FROM {s}.conversations_message"
    " WHERE author = 'ai' GROUP BY run_id, run_part HAVING count(*) > 1) x",
    "sequence_holes": "SELECT count(*) FROM (SELECT 1 FROM {s}.conversations_message"
    " GROUP BY conversation_id HAVING max(seq) <> count(*) OR min(seq) <> 1) x",
    "runs_unfinished": "SELECT count(*) FROM {s}.workflows_run"
    " WHERE status IN ('running', 'waiting', 'failing', 'compensating')",
    "run_event_holes": "SELECT count(*) FROM (SELECT 1 FROM {s}.workflows_runevent"
    " GROUP BY run_id HAVING max(seq) <> count(*)) x",
}
_SHARED_WRONG: Final = {
    "usage_twice": "SELECT count(*) FROM (SELECT 1 FROM billing_usageentry"
    " GROUP BY event_id, meter HAVING count(*) > 1) x",
    "events_twice": "SELECT count(*) FROM (SELECT 1 FROM core_outboxevent"
    " WHERE name = 'agent.run.completed' GROUP BY payload->>'run_id' HAVING count(*) > 1) x",
    "deliveries_open": "SELECT count(*) FROM core_delivery WHERE state = 'pending'",
    "deliveries_dead": "SELECT count(*) FROM core_delivery WHERE state = 'dead'",
}

# Deliveries carried out at their first attempt before one that came earlier was. One with a reason
# has lost its place: it failed, or its handler was not ready.
_DISORDERED: Final = """
    SELECT count(*) FROM (
        SELECT finished_at, max(finished_at) OVER (
            PARTITION BY tenant_id, subscriber ORDER BY xid, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest
        FROM core_delivery
        WHERE state = 'done' AND attempts = 1 AND strikes = 0 AND reason = ''
            AND subscriber = ANY(%s)) x
    WHERE finished_at < latest
"""


def calm_await(stack: Stack) -> float:
    """Wait until nothing goes on any more, or for long enough; returns the seconds."""
    began = time.monotonic()
    while time.monotonic() - began < CALM_SECONDS:
        try:
            with stack.database() as connection:
                counts = _counts(connection)
                if not counts["runs_unfinished"] and not counts["deliveries_open"]:
                    break
        except psycopg.OperationalError:
            pass  # it is just being started again
        time.sleep(0.5)
    return time.monotonic() - began


def counts_take(stack: Stack, talks: Sequence[Talk], effects: Effects) -> dict[str, int]:
    """Return every count by its name."""
    with stack.database() as connection:
        counts = _counts(connection)
        counts["acknowledged_missing"] = _missing(connection, talks)
        row = connection.execute(_DISORDERED, (list(stack.ordered),)).fetchone()
        counts["deliveries_disordered"] = int(row[0]) if row else 0
        statuses = _run_statuses(connection)
    counts["messages_refused"] = sum(len(talk.refused) for talk in talks)
    return {**counts, **_sagas(statuses, effects.of_runs())}


def _counts(connection: Connection) -> dict[str, int]:
    counts = {name: _number(connection, query) for name, query in _SHARED_WRONG.items()}
    for name, query in _WRONG.items():
        counts[name] = sum(_number(connection, query.format(s=f"t_{slug}")) for slug in SLUGS)
    return counts


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _missing(connection: Connection, talks: Sequence[Talk]) -> int:
    stored: set[str] = set()
    for slug in SLUGS:
        query = f"SELECT client_id FROM t_{slug}.conversations_message WHERE client_id IS NOT NULL"  # noqa: S608 - our own names
        stored |= {str(row[0]) for row in connection.execute(query.encode())}
    return len({client_id for talk in talks for client_id in talk.acknowledged} - stored)


def _run_statuses(connection: Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    for slug in SLUGS:
        query = f"SELECT id, status FROM t_{slug}.workflows_run"  # noqa: S608 - our own names
        found |= {str(run_id): status for run_id, status in connection.execute(query.encode())}
    return found


def _sagas(statuses: Mapping[str, str], effects: Mapping[str, list[str]]) -> dict[str, int]:
    """Count effects that happened twice, and runs whose effects neither stand nor are undone."""
    twice = torn = 0
    for run_id, status in statuses.items():
        counted = Counter(effects.get(run_id, []))
        twice += sum(number - 1 for number in counted.values())
        done = {name for name in DOING if counted[name]}
        undone = {name for name in DOING if counted[DOING[name]]}
        stands = status in ("completed", "superseded")
        torn += (bool(undone) or done != set(DOING)) if stands else done != undone
    return {"effects_twice": twice, "sagas_torn": torn}


def takeovers(stack: Stack) -> list[tuple[float, float]]:
    """Return (when, seconds) of each takeover: from a worker's last sign in a run to the next's."""
    found: list[tuple[float, float]] = []
    with stack.database() as connection:
        for slug in SLUGS:
            query = (
                "SELECT extract(epoch FROM at), extract(epoch FROM at - before)"  # noqa: S608 - our own names
                " FROM (SELECT type, at, lag(at) OVER (PARTITION BY run_id ORDER BY seq) AS before"
                f" FROM t_{slug}.workflows_runevent) x WHERE type = 'run.resumed'"
            )
            rows = connection.execute(query.encode())
            found += [(float(at), float(seconds)) for at, seconds in rows]
    return sorted(found)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of them lies; 0.0 of none."""
    if len(values) < 2:
        return round(values[0], 2) if values else 0.0
    return round(statistics.quantiles(values, n=1000, method="inclusive")[int(share * 1000) - 1], 2)
