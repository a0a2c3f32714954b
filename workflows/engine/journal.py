"""The journal in Postgres: claim a run, read its events, append what happened.

An append is one statement in one round trip: the events, if this worker still holds the lease. Two
workers can never both write an event of the same number, so the second one stops. The run's row,
which lists and sweeps read, is moved only when a run is claimed, suspended or over; in between the
keeper of leases brings it up to date.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.db.bound import server_bound_cursor
from core.events import publish, publish_with
from core.events.catalogue import Event
from workflows.engine.events import ACTIVE, EventType, RunEvent, RunStatus
from workflows.engine.folding import fold
from workflows.engine.host import ClaimedRun
from workflows.engine.presence import SIGN, Present, presence
from workflows.engine.state import RunState

LEASE_SECONDS = 3.0
SILENT_SECONDS = 1.3  # longer than a living process leaves between two renewals (`lease`)
PICK_UP_SECONDS = 5.0
MAX_PAYLOAD_BYTES = 256 * 1024
_ACTIVE = sorted(status.value for status in ACTIVE)

_START = """
    WITH moved AS (
        INSERT INTO workflows_run (id, workflow, version, content_hash, status, current_step,
            conversation_id, trigger_event_id, answered_seq, seq, attempts, lease_owner,
            lease_until, result, error_code, cost_micro, currency, started_at, cancel_reason)
        VALUES (%s, %s, %s, %s, 'running', %s, %s, %s, %s, 1, 0, '',
            clock_timestamp() + %s * interval '1 second', '{}', '', 0, '', %s, '')
        ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
    SELECT moved.id, fact.seq, fact.type, fact.step_id, fact.payload, fact.at
    FROM moved, json_to_recordset(%s::json)
        AS fact(seq int, type text, step_id text, payload json, at timestamptz)
"""
_APPEND_ONE = """
    INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
    SELECT id, %s, %s, %s, %s::json, %s FROM workflows_run WHERE id = %s AND lease_owner = %s
"""
_APPEND_MANY = """
    INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
    SELECT id, fact.seq, fact.type, fact.step_id, fact.payload, fact.at
    FROM workflows_run, json_to_recordset(%s::json)
        AS fact(seq int, type text, step_id text, payload json, at timestamptz)
    WHERE id = %s AND lease_owner = %s
"""
_MOVE = """
    UPDATE workflows_run SET seq = %s, status = %s, current_step = %s, cost_micro = %s,
        currency = %s, error_code = %s, result = %s::jsonb, finished_at = %s, wake_at = %s,
        lease_owner = '', attempts = 0, answered_seq = CASE WHEN %s THEN answered_seq END,
        lease_until = COALESCE(%s, timestamptz '9999-01-01 00:00:00+00')
    WHERE id = %s AND lease_owner = %s RETURNING id
"""
_CLOSE = f"""
    moved AS ({_MOVE}), changed AS (
        INSERT INTO workflows_runevent (run_id, seq, type, step_id, payload, at)
        SELECT moved.id, fact.seq, fact.type, fact.step_id, fact.payload, fact.at
        FROM moved, json_to_recordset(%s::json)
            AS fact(seq int, type text, step_id text, payload json, at timestamptz)
        RETURNING 1)
"""  # noqa: S608 - put together from constants
# A claim that is lost with the server harms nobody, so it does not wait for the disk: the setting
# holds for this statement alone. An event that the last owner was just writing may be missing from
# what is read: its number is then taken, and the first append of this owner fails.
_CLAIM = """
    WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    run AS (
        UPDATE workflows_run SET lease_owner = %s, attempts = attempts + 1, wake_at = NULL,
            lease_until = clock_timestamp() + %s * interval '1 second',
            status = CASE status WHEN 'waiting' THEN 'running' ELSE status END
        FROM quick
        WHERE id = %s AND status = ANY(%s)
            AND (lease_owner IN ('', %s) OR lease_until < clock_timestamp())
        RETURNING workflow, content_hash, conversation_id, attempts, started_at, cancel_reason)
    SELECT run.*, fact.seq, fact.type, fact.step_id, fact.payload, fact.at
    FROM run LEFT JOIN workflows_runevent AS fact ON fact.run_id = %s ORDER BY fact.seq
"""
_EXTEND = """
    UPDATE workflows_run SET lease_until = clock_timestamp() + %s * interval '1 second',
        seq = %s, current_step = %s, status = %s, cost_micro = %s
    WHERE id = %s AND lease_owner = %s RETURNING cancel_reason
"""
_CANCEL = """
    UPDATE workflows_run SET cancel_reason = %s,
        lease_until = CASE status WHEN 'waiting' THEN clock_timestamp() ELSE lease_until END
    WHERE id = %s AND status = ANY(%s) AND cancel_reason = ''
"""
_REDRIVE = """
    UPDATE workflows_run SET status = 'compensating', finished_at = NULL, lease_owner = '',
        attempts = 0, lease_until = clock_timestamp() + %s * interval '1 second', seq = seq + %s
    WHERE id = %s AND status = 'stuck' AND seq = %s
"""
# Only between two workers: whoever drives the run has its text in memory.
_FREE = """
    SELECT 1 FROM workflows_run WHERE id = %s AND content_hash = %s AND status = ANY(%s)
        AND (lease_owner = '' OR lease_until < clock_timestamp())
    FOR UPDATE
"""
_REPIN = """
    UPDATE workflows_run SET content_hash = %s, version = %s, current_step = %s, seq = %s,
        lease_owner = ''
    WHERE id = %s
"""
_LOCK = "SELECT 1 FROM workflows_run WHERE id = %s AND lease_owner = %s FOR UPDATE"
_ABANDON = """
    UPDATE workflows_run SET status = 'failed', error_code = %s, finished_at = clock_timestamp()
    WHERE id = %s AND lease_owner = %s
"""
# A signed lease has lapsed too when its signature is absent and it was not renewed for a while: a
# process that renews is there, whatever became of its lock.
LAPSED = f"""
    status IN ({", ".join(f"'{status}'" for status in _ACTIVE)})
    AND (lease_until < clock_timestamp()
        OR (lease_until < %(early)s AND strpos(lease_owner, '{SIGN}') > 0
            AND split_part(lease_owner, '{SIGN}', 1) <> ALL(%(signatures)s::text[])))
"""
_RELEASE = f"""
    WITH found AS (
        SELECT id, lease_owner FROM workflows_run WHERE {LAPSED}
        ORDER BY started_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE workflows_run AS run SET lease_owner = '',
        lease_until = clock_timestamp() + %(grace)s * interval '1 second'
    FROM found WHERE run.id = found.id
    RETURNING run.id, found.lease_owner <> ''
"""  # noqa: S608 - put together from constants
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
    return _execute(_START, (*values, _encoded([event]))) == 1


def claim(run_id: UUID, *, held_as: str = "") -> ClaimedRun | None:
    """Take the lease of an unfinished run whose lease is free or lapsed, and read its events.

    ``held_as`` is the owner under which the caller itself has held the run so far.
    """
    owner = presence.owner_new()
    with server_bound_cursor() as cursor:
        cursor.execute(_CLAIM, (owner, LEASE_SECONDS, run_id, _ACTIVE, held_as, run_id))
        rows = cursor.fetchall()
    if not rows:
        return None
    past = tuple(_event(*row[6:]) for row in rows if row[6] is not None)
    return ClaimedRun(run_id, owner, *(*rows[0][:6], past))


def events(run_id: UUID) -> list[RunEvent]:
    """Return a run's events in order."""
    with server_bound_cursor() as cursor:
        cursor.execute(_EVENTS + " ORDER BY seq", (run_id,))
        return [_event(*row) for row in cursor.fetchall()]


def _event(seq: int, kind: str, step_id: str, payload: dict[str, Any], at: datetime) -> RunEvent:
    return RunEvent(seq, EventType(kind), step_id, payload, at)


def append(run: ClaimedRun, facts: Sequence[RunEvent], *, messages: Sequence[Event] = ()) -> None:
    """Commit facts, and publish with them.

    Raises ``LeaseLost`` if another worker holds the run or has appended first.
    """
    if not messages:
        _append(run, facts)
        return
    with transaction.atomic():
        _append(run, facts)
        for message in messages:
            publish(message)


def close(
    run: ClaimedRun, state: RunState, facts: Sequence[RunEvent], *, messages: Sequence[Event] = ()
) -> None:
    """Commit the last facts of a run with what its row shows from now on, and publish.

    One statement, and another for each message after the first. Raises ``LeaseLost`` like
    ``append``.
    """
    shown = _projection(state, finished_at=facts[-1].at)
    values = (*shown, run.id, run.owner, _encoded(facts))
    if len(messages) < 2:
        _close(run, values, facts, *messages)
        return
    with transaction.atomic():
        _close(run, values, facts, messages[0])
        for message in messages[1:]:
            publish(message)


def _close(
    run: ClaimedRun, values: Sequence[Any], facts: Sequence[RunEvent], message: Event | None = None
) -> None:
    if message is None:
        write = partial(_execute, f"WITH {_CLOSE} SELECT FROM changed", values)
    else:
        write = partial(publish_with, _CLOSE, values, message)
    _written(write, run, len(facts))


def suspend(
    run: ClaimedRun, state: RunState, *, wake_at: datetime | None, keeps_turn: bool
) -> None:
    """Give the run back until it is woken; within the transaction that checked its waits.

    A run that does not keep its turn no longer holds its conversation: others may answer there.
    """
    waiting = RunStatus.WAITING.value
    shown = _projection(state, status=waiting, wake_at=wake_at, keeps_turn=keeps_turn)
    _written(partial(_execute, _MOVE, (*shown, run.id, run.owner)), run, 1)


def _projection(
    state: RunState,
    *,
    status: str = "",
    finished_at: datetime | None = None,
    wake_at: datetime | None = None,
    keeps_turn: bool = True,
) -> tuple[Any, ...]:
    """Return what a run's row shows of its state, in the order of the columns in ``_MOVE``."""
    return (
        state.seq,
        status or state.status.value,
        state.cursor,
        state.cost_micro,
        state.currency,
        str(state.error.get("code", ""))[:64],
        encode(state.result),
        finished_at,
        wake_at,
        keeps_turn,
        wake_at,
    )


def _append(run: ClaimedRun, facts: Sequence[RunEvent]) -> None:
    key = (run.id, run.owner)
    if len(facts) > 1:
        _written(partial(_execute, _APPEND_MANY, (_encoded(facts), *key)), run, len(facts))
        return
    fact = facts[0]
    text = fact.text or encode(fact.payload)
    values = (fact.seq, fact.type.value, fact.step_id, text, fact.at, *key)
    _written(partial(_execute, _APPEND_ONE, values), run, 1)


def _written(write: Callable[[], int], run: ClaimedRun, rows: int) -> None:
    """Write rows under the lease, and under numbers that nobody has written yet."""
    try:
        written = write()
    except IntegrityError as error:
        raise LeaseLost(str(run.id)) from error
    if written != rows:
        raise LeaseLost(str(run.id))


def extend(run: ClaimedRun, state: RunState, seconds: float) -> str:
    """Keep the lease for longer and bring the run's row up to date; raises ``LeaseLost``.

    Returns why the run is to be cancelled, "" if it is not.
    """
    shown = (state.seq, state.cursor, state.status.value, state.cost_micro)
    with server_bound_cursor() as cursor:
        cursor.execute(_EXTEND, (seconds, *shown, run.id, run.owner))
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(str(run.id))
    return str(row[0])


def abandon(run: ClaimedRun, code: str) -> None:
    """End a run whose events cannot be continued: the projection alone says that it failed."""
    _execute(_ABANDON, (code, run.id, run.owner))


def cancel_request(run_id: UUID, reason: str) -> bool:
    """Ask for a run to be cancelled; False when it is over or was asked for already."""
    return _execute(_CANCEL, (reason, run_id, _ACTIVE)) == 1


def redrive(run_id: UUID) -> bool:
    """Make a stuck run try again what it gave up; False if it is not stuck. In a transaction."""
    past = events(run_id)
    state = fold(past) if past else RunState()
    given_up = [undo for undo in state.undos if undo.status == "abandoned"]
    if not given_up:
        return False
    now = timezone.now()
    facts = [
        fact(
            state.seq + place,
            EventType.COMPENSATION_REDRIVEN,
            undo.step_id,
            {"key": undo.key, "tool": undo.tool, "attempt": 0},
            now,
        )
        for place, undo in enumerate(given_up, start=1)
    ]
    if _execute(_REDRIVE, (PICK_UP_SECONDS, len(facts), run_id, state.seq)) != 1:
        return False
    _execute(_APPEND_MANY, (_encoded(facts), run_id, ""))
    return True


def free_lock(run_id: UUID, content_hash: str) -> bool:
    """Keep workers from an active run of this text; False while one has it. In a transaction."""
    return _execute(_FREE, (run_id, content_hash, _ACTIVE)) == 1


def repin(run_id: UUID, moved: RunEvent, state: RunState, version: str) -> None:
    """Put a run on another text, with the event that says so, in the transaction that locked it.

    A worker whose lease had lapsed can append nothing any more.
    """
    shown = (moved.payload["to"], version, state.cursor, state.seq)
    _execute(_REPIN, (*shown, run_id))
    _execute(_APPEND_MANY, (_encoded([moved]), run_id, ""))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A run that nobody drives; ``was_held`` by a worker that is gone, or was not taken up yet."""

    id: UUID
    was_held: bool


def lapsed(*, limit: int, grace_seconds: float, present: Present | None = None) -> list[Lapsed]:
    """Release runs whose worker is gone, or whose time to wake has come, and return them.

    A worker is gone when its lease has lapsed, or sooner when it is known who is ``present``. They
    are not returned again before ``grace_seconds``, so that a sweep does not fill a queue that is
    merely slow.
    """
    values = {**lapsed_values(present), "limit": limit, "grace": grace_seconds}
    with server_bound_cursor() as cursor:
        cursor.execute(_RELEASE, values)
        return [Lapsed(*row) for row in cursor.fetchall()]


def lapsed_values(present: Present | None) -> dict[str, Any]:
    """Return what the condition ``LAPSED`` asks for; without ``present`` no lease lapses early."""
    early = present.at + timedelta(seconds=LEASE_SECONDS - SILENT_SECONDS) if present else None
    return {"early": early, "signatures": present.signatures if present else []}


def encode(payload: Mapping[str, Any]) -> str:
    """Write a payload as JSON that Postgres stores; raises ``PayloadRefused``."""
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise PayloadRefused(f"not JSON: {error}") from error
    if len(text) > MAX_PAYLOAD_BYTES:
        raise PayloadRefused(f"{len(text)} characters; {MAX_PAYLOAD_BYTES} is the limit")
    # Postgres reads no NUL out of JSON, UTF-8 has no lone surrogate.
    clean = text.replace("\\u0000", "\\ufffd") if "\\u0000" in text else text
    return clean if clean.isascii() else clean.encode("utf-8", "replace").decode("utf-8")


def decoded(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload exactly as it will be read back."""
    value: dict[str, Any] = json.loads(encode(payload))
    return value


def fact(
    seq: int, kind: EventType, step_id: str, payload: Mapping[str, Any], at: datetime
) -> RunEvent:
    """Make an event whose payload is exactly what will be read back; raises ``PayloadRefused``."""
    text = encode(payload)
    return RunEvent(seq, kind, step_id, json.loads(text), at, text)


def lock(run: ClaimedRun) -> None:
    """Keep answers away while the run is about to wait; raises ``LeaseLost``. In a transaction."""
    if _execute(_LOCK, (run.id, run.owner)) != 1:
        raise LeaseLost(str(run.id))


def _encoded(facts: Sequence[RunEvent]) -> str:
    """Write facts as one JSON array, around payloads that are JSON already."""
    rows = (
        f'{{"seq":{each.seq},"type":"{each.type.value}","step_id":{json.dumps(each.step_id)},'
        f'"at":"{each.at.isoformat()}","payload":{each.text or encode(each.payload)}}}'
        for each in facts
    )
    return f"[{','.join(rows)}]"


def _execute(statement: str, values: Sequence[Any]) -> int:
    with server_bound_cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
