"""The journal in Postgres: claim a run, read its events, append what happened.

Every write is one statement that moves the run's projection and inserts the events behind it, in
one round trip and one commit. It matches nothing when another worker holds the lease or has written
the next number, and then this worker stops.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from core.events import publish
from core.events.catalogue import Event
from workflows.engine.events import ACTIVE, EventType, RunEvent
from workflows.engine.host import ClaimedRun
from workflows.engine.state import RunState

LEASE_SECONDS = 4.0
PICK_UP_SECONDS = 5.0
MAX_PAYLOAD_BYTES = 256 * 1024
_ACTIVE = sorted(status.value for status in ACTIVE)

_START = """
    WITH moved AS (
        INSERT INTO workflows_run (id, workflow, version, content_hash, status, current_step,
            conversation_id, trigger_event_id, answered_seq, seq, attempts, lease_owner,
            lease_until, result, error_code, cost_micro, currency, started_at)
        VALUES (%s, %s, %s, %s, 'running', %s, %s, %s, %s, 1, 0, '',
            clock_timestamp() + %s * interval '1 second', '{}', '', 0, '', %s)
        ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
    SELECT moved.id, fact.seq, fact.type, fact.step_id, fact.payload::jsonb, fact.at
    FROM moved, unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
        AS fact(seq, type, step_id, payload, at)
"""
_APPEND = """
    WITH moved AS (
        UPDATE workflows_run SET seq = %s, status = %s, current_step = %s, cost_micro = %s,
            currency = %s, error_code = %s, result = COALESCE(%s::jsonb, result), finished_at = %s,
            lease_until = clock_timestamp() + %s * interval '1 second'
        WHERE id = %s AND seq = %s AND lease_owner = %s RETURNING id)
    INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
    SELECT moved.id, fact.seq, fact.type, fact.step_id, fact.payload::jsonb, fact.at
    FROM moved, unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
        AS fact(seq, type, step_id, payload, at)
"""
_CLAIM = """
    UPDATE workflows_run SET lease_owner = %s, attempts = attempts + 1,
        lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE id = %s AND status = ANY(%s) AND (lease_owner = '' OR lease_until < clock_timestamp())
    RETURNING workflow, content_hash, conversation_id, attempts, started_at
"""
_EXTEND = """
    UPDATE workflows_run SET lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE id = %s AND lease_owner = %s
"""
_ABANDON = """
    UPDATE workflows_run SET status = 'failed', error_code = %s, finished_at = clock_timestamp()
    WHERE id = %s AND lease_owner = %s
"""
_LAPSED = """
    UPDATE workflows_run SET lease_owner = '',
        lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE id IN (
        SELECT id FROM workflows_run
        WHERE status = ANY(%s) AND lease_until < clock_timestamp()
        ORDER BY started_at LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING id
"""
_EVENTS = "SELECT seq, type, step_id, payload, at FROM workflows_runevent WHERE run_id = %s"


class LeaseLost(Exception):
    """Another worker carries the run on; this one must stop without a trace."""


class PayloadRefused(ValueError):
    """A value that cannot be stored: too large, or not JSON."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run starts with."""

    id: UUID
    workflow: str
    version: str
    content_hash: str
    conversation_id: UUID | None
    trigger_event_id: UUID
    answered_seq: int | None
    started_at: datetime


def start(run: NewRun, event: RunEvent) -> bool:
    """Insert a run with its first event; False when its trigger, turn or conversation has one."""
    columns = (run.id, run.workflow, run.version, run.content_hash, event.payload["next"])
    keys = (run.conversation_id, run.trigger_event_id, run.answered_seq)
    values = (*columns, *keys, PICK_UP_SECONDS, run.started_at)
    return _execute(_START, (*values, *_event_columns([event]))) == 1


def claim(run_id: UUID) -> ClaimedRun | None:
    """Take the lease of an unfinished run whose lease is free or has lapsed."""
    owner = uuid4().hex
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, (owner, LEASE_SECONDS, run_id, _ACTIVE))
        row = cursor.fetchone()
    return ClaimedRun(run_id, owner, *row) if row else None


def events(run_id: UUID) -> list[RunEvent]:
    """Return a run's events in order."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS + " ORDER BY seq", (run_id,))
        return [
            RunEvent(seq, EventType(kind), step_id, _loads(payload), at)
            for seq, kind, step_id, payload, at in cursor.fetchall()
        ]


def append(
    run: ClaimedRun,
    state: RunState,
    facts: Sequence[RunEvent],
    *,
    messages: Sequence[Event] = (),
) -> None:
    """Commit facts and the projection of the state they lead to, and publish with them.

    Raises ``LeaseLost`` if another worker holds the run or has appended first.
    """
    if not messages:
        _append(run, state, facts)
        return
    with transaction.atomic():
        _append(run, state, facts)
        for message in messages:
            publish(message)


def _append(run: ClaimedRun, state: RunState, facts: Sequence[RunEvent]) -> None:
    ended = not state.status.is_active
    projection = (
        state.seq,
        state.status.value,
        state.cursor,
        state.cost_micro,
        state.currency,
        str(state.error.get("code", ""))[:64],
        encode(state.result) if ended else None,
        facts[-1].at if ended else None,
        LEASE_SECONDS,
    )
    key = (run.id, facts[0].seq - 1, run.owner)
    if _execute(_APPEND, (*projection, *key, *_event_columns(facts))) != len(facts):
        raise LeaseLost(str(run.id))


def extend(run: ClaimedRun, seconds: float) -> None:
    """Keep the lease for longer than it was claimed for; raises ``LeaseLost``."""
    if _execute(_EXTEND, (seconds, run.id, run.owner)) != 1:
        raise LeaseLost(str(run.id))


def abandon(run: ClaimedRun, code: str) -> None:
    """End a run whose events cannot be continued: the projection alone says that it failed."""
    _execute(_ABANDON, (code, run.id, run.owner))


def lapsed(*, limit: int, grace_seconds: float) -> list[UUID]:
    """Release runs whose worker is gone and return them.

    They are not returned again before ``grace_seconds``, so that a sweep does not fill a queue that
    is merely slow.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LAPSED, (grace_seconds, _ACTIVE, limit))
        return [row[0] for row in cursor.fetchall()]


def encode(payload: Mapping[str, Any]) -> str:
    """Write a payload as JSON that Postgres stores; raises ``PayloadRefused``."""
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise PayloadRefused(f"not JSON: {error}") from error
    if len(text) > MAX_PAYLOAD_BYTES:
        raise PayloadRefused(f"{len(text)} characters; {MAX_PAYLOAD_BYTES} is the limit")
    # jsonb holds no NUL, UTF-8 no lone surrogate.
    clean = text.replace("\\u0000", "\\ufffd") if "\\u0000" in text else text
    return clean.encode("utf-8", "replace").decode("utf-8")


def decoded(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload exactly as it will be read back."""
    value: dict[str, Any] = json.loads(encode(payload))
    return value


def _event_columns(facts: Sequence[RunEvent]) -> tuple[list[Any], ...]:
    return (
        [fact.seq for fact in facts],
        [fact.type.value for fact in facts],
        [fact.step_id for fact in facts],
        [encode(fact.payload) for fact in facts],
        [fact.at for fact in facts],
    )


def _execute(statement: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _loads(payload: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
    return value
