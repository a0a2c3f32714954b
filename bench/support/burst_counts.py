"""What the database says after bursts, deliveries and claims."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.support.burst_talks import Burst
from bench.support.stack import Connection

CALM_SECONDS: Final = 120.0
CALM_TWICE_SECONDS: Final = 1.0
_OPEN: Final = """
    SELECT (SELECT count(*) FROM {s}.workflows_run
            WHERE status IN ('running', 'waiting', 'failing', 'compensating'))
         + (SELECT count(*) FROM core_delivery WHERE state = 'pending')
"""
_MESSAGES: Final = """
    SELECT count(*) FILTER (WHERE author = 'visitor'), count(*) FILTER (WHERE author = 'ai')
    FROM {s}.conversations_message WHERE conversation_id = %s
"""
# What the run behind the last reply was given to answer.
_ANSWERED: Final = """
    SELECT e.payload->'input'->>'text' FROM {s}.conversations_message m
    JOIN {s}.workflows_runevent e ON e.run_id = m.run_id AND e.seq = 1
    WHERE m.conversation_id = %s AND m.author = 'ai' ORDER BY m.seq DESC LIMIT 1
"""
_AFTER_CLAIM: Final = """
    SELECT count(*) FILTER (WHERE a.seq > j.seq), count(*) FILTER (WHERE a.seq < j.seq)
    FROM {s}.conversations_message a
    JOIN {s}.conversations_message j USING (conversation_id)
    WHERE a.author = 'ai' AND j.kind = 'joined' AND conversation_id = ANY(%s::uuid[])
"""
_STORED: Final = "SELECT count(*) FROM {s}.conversations_message WHERE client_id = %s"


@dataclass(frozen=True, slots=True)
class Counted:
    """Of some bursts: replies in all, bursts with exactly one, replies that answer all five."""

    bursts: int
    messages: int
    replies: int
    with_one: int
    to_all_five: int

    @property
    def replies_per_burst(self) -> float:
        return round(self.replies / self.bursts, 4)


def calm_await(connection: Connection, schema: str) -> None:
    """Wait until no run and no delivery is open, twice running; raises TimeoutError."""
    until, is_calm = time.monotonic() + CALM_SECONDS, False
    while time.monotonic() < until:
        was_calm, is_calm = is_calm, not _number(connection, _OPEN.format(s=schema))
        if was_calm and is_calm:
            return
        time.sleep(CALM_TWICE_SECONDS)
    raise TimeoutError("Runs or deliveries are still open.")


def bursts_count(connection: Connection, schema: str, bursts: Sequence[Burst]) -> Counted:
    rows = [_row(connection, _MESSAGES.format(s=schema), burst.conversation_id) for burst in bursts]
    answered = [_text(connection, schema, burst) for burst in bursts]
    replies = [int(row[1]) for row in rows]
    return Counted(
        bursts=len(bursts),
        messages=sum(int(row[0]) for row in rows),
        replies=sum(replies),
        with_one=replies.count(1),
        to_all_five=sum(
            count == 1 and text == burst.whole
            for count, text, burst in zip(replies, answered, bursts, strict=True)
        ),
    )


def _text(connection: Connection, schema: str, burst: Burst) -> str:
    row = connection.execute(
        _ANSWERED.format(s=schema).encode(), (burst.conversation_id,)
    ).fetchone()
    return str(row[0]) if row else ""


def stored_count(connection: Connection, schema: str, client_id: str) -> int:
    """Return how many messages a client id has, in whichever conversation."""
    return int(_row(connection, _STORED.format(s=schema), client_id)[0])


def around_claim(
    connection: Connection, schema: str, conversations: Sequence[str]
) -> tuple[int, int]:
    """Return how many messages of the AI stand after and before the claims of conversations."""
    row = _row(connection, _AFTER_CLAIM.format(s=schema), list(conversations))
    return int(row[0]), int(row[1])


def _number(connection: Connection, query: str) -> int:
    return int(_row(connection, query)[0])


def _row(connection: Connection, query: str, *values: Any) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row
