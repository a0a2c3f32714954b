"""What runs wait for, as rows: timers, questions to visitors, approvals by the team.

The row is where people find what is asked and leave their answer; the run takes it up as an event.
Answering locks the run's row first, as suspending does, so no answer falls between the two.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from core.errors import Conflict
from workflows.engine import journal
from workflows.engine.host import ClaimedRun
from workflows.engine.state import Wait

_OPEN = """
    INSERT INTO workflows_wait (id, run_id, conversation_id, key, scope, step_id, kind, data, state,
        until, answer, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, 'open', %s, '{}', clock_timestamp())
    ON CONFLICT (run_id, key) DO NOTHING
"""
_SETTLED = """
    SELECT key, state, answer FROM workflows_wait
    WHERE run_id = %s AND key = ANY(%s) AND state <> 'open'
"""
_SETTLE = """
    UPDATE workflows_wait SET state = %s, resolved_at = clock_timestamp()
    WHERE run_id = %s AND key = ANY(%s) AND state = 'open'
"""
_CLOSE_ALL = """
    UPDATE workflows_wait SET state = 'cancelled', resolved_at = clock_timestamp()
    WHERE run_id = %s AND state = 'open'
"""
_LOCK_RUN = """
    SELECT workflows_run.id FROM workflows_run JOIN workflows_wait ON run_id = workflows_run.id
    WHERE workflows_wait.id = %s FOR UPDATE OF workflows_run
"""
_ANSWER = """
    UPDATE workflows_wait SET state = 'answered', answer = %s::jsonb, answered_by = %s,
        resolved_at = clock_timestamp()
    WHERE id = %s AND state = 'open' AND (until IS NULL OR until > clock_timestamp())
"""
# The sweep finds it too, should the message to the workers be lost.
_WAKE = """
    UPDATE workflows_run SET lease_until = clock_timestamp()
    WHERE id = %s AND status = 'waiting'
"""


class WaitOver(Conflict):
    """The question was answered, taken back, or its time is over."""

    code = "wait_over"
    title = "This was answered already, or its time is over."


@dataclass(frozen=True, slots=True)
class Settled:
    """A wait whose row is no longer open; ``answer`` is what people left there."""

    key: str
    outcome: str
    answer: Mapping[str, Any]


def wait_open(run: ClaimedRun, scope: str, step_id: str, wait: Wait) -> None:
    """Store a wait, in the transaction that commits its event; idempotent by run and key."""
    names = (wait.key, scope, step_id, wait.kind)
    until = datetime.fromisoformat(wait.until) if wait.until else None
    values = (uuid4(), run.id, run.conversation_id, *names, journal.encode(wait.data), until)
    _execute(_OPEN, values)


def waits_settled(run_id: UUID, keys: Sequence[str]) -> list[Settled]:
    """Return those of a run's waits that people have answered or taken back."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, (run_id, list(keys)))
        return [Settled(key, state, _loads(answer)) for key, state, answer in cursor.fetchall()]


def waits_settle(run_id: UUID, keys: Sequence[str], outcome: str) -> None:
    """Close waits whose time is over, in the transaction that commits their events."""
    _execute(_SETTLE, (outcome, run_id, list(keys)))


def waits_close(run_id: UUID) -> None:
    """Take back everything that a run which is over still asked for."""
    _execute(_CLOSE_ALL, (run_id,))


def wait_answer(wait_id: UUID, *, value: Mapping[str, Any], answered_by: UUID | None) -> UUID:
    """Leave an answer and return the run to wake; of several answers the first one counts.

    Raises ``WaitOver`` when it was answered, taken back or is too late.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK_RUN, (wait_id,))
        row = cursor.fetchone()
        cursor.execute(_ANSWER, (journal.encode(value), answered_by, wait_id))
        if row is None or cursor.rowcount != 1:
            raise WaitOver
        cursor.execute(_WAKE, (row[0],))
    return UUID(str(row[0]))


def _execute(statement: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _loads(value: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return loaded
