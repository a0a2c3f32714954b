"""Stop a workspace's runs at once, and let them go on: the switch, and the end of what goes on.

The switch is a row in the tenant's schema; every process asks for it before a run starts, before a
worker takes one and before each step, and knows of a change within a quarter of a second (a second
without Redis: `tenants.freshness`). It never turns itself off.

What goes on when it is thrown is purged: the run is taken from its worker, whose next append finds
nothing to append to, and ends as failed with the code ``purged``, or as stuck where it had done
what can be undone: that stays done until a person redrives the run. Its conversation goes to a
person. The sweep purges too while a stop holds, so a run that slipped in, or a purge whose process
died half-way, is finished by itself.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from core.audit.record import act_record
from core.audit.types import Act
from core.errors import DomainError
from tenants import freshness
from workflows import selectors
from workflows.dispatch import queue_purge
from workflows.engine import journal, waits
from workflows.engine.events import ACTIVE, EventType, RunEvent, RunStatus
from workflows.engine.folding import JournalCorrupt, fold
from workflows.engine.host import ClaimedRun
from workflows.engine.journal import LEASE_SECONDS, LeaseLost
from workflows.engine.state import RunState
from workflows.engine.undoing import Undoing
from workflows.hosting import RunHost
from workflows.models import WorkflowStop
from workflows.quotas import run_let_go
from workflows.spec.graph import Graph
from workflows.stops import EVERY, stops_current, stops_mark

CODE: Final = "purged"
ALL_SHOWN: Final = "*"  # how the audit log names every workflow
_BATCH: Final = 200
# A worker's last append may come between: by the next round it has seen the switch.
_ROUNDS: Final = 3
_PAUSE_SECONDS: Final = 0.3
_SEIZE: Final = """
    UPDATE workflows_run SET lease_owner = %s,
        lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE id = %s AND status = ANY(%s)
    RETURNING workflow, content_hash, conversation_id, attempts, started_at, cancel_reason
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Purged:
    """How many runs a purge ended, and how many it could not: run it again for those."""

    ended: int = 0
    left: int = 0


def runs_stop(*, workflow: str = EVERY, stopped_by: UUID | None = None) -> Purged:
    """Let no run start or go on, of one workflow or of all, and purge those that do.

    Holds from its commit on until ``runs_resume``, whatever becomes of the purge. Idempotent:
    again, it purges what is left. Raises ``WorkflowNotFound``. Not within a transaction that does
    more: workers must see the switch before their runs are taken away.
    """
    if workflow:
        selectors.workflow_known(workflow=workflow)
    _stop(workflow, stopped_by)
    return runs_purge(workflow=workflow)


@transaction.atomic
def _stop(workflow: str, stopped_by: UUID | None) -> None:
    values = {"stopped_by": stopped_by, "stopped_at": timezone.now()}
    _stop_row, is_new = WorkflowStop.objects.get_or_create(
        workflow=workflow, lifted_at=None, defaults=values
    )
    freshness.changed(stops_mark())
    if is_new:
        act_record(act=Act.RUNS_STOPPED, target_kind="workflow", target_id=workflow or ALL_SHOWN)


@transaction.atomic
def runs_resume(*, workflow: str = EVERY, lifted_by: UUID | None = None) -> int:
    """Lift the stop of one workflow, or every stop; returns how many that were. Idempotent.

    What visitors wrote meanwhile is with people and stays there.
    """
    stops = WorkflowStop.objects.filter(lifted_at=None)
    if workflow:
        stops = stops.filter(workflow=workflow)
    lifted = stops.update(lifted_at=timezone.now(), lifted_by=lifted_by)
    freshness.changed(stops_mark())
    if lifted:
        act_record(act=Act.RUNS_RESUMED, target_kind="workflow", target_id=workflow or ALL_SHOWN)
    return lifted


def runs_purge(*, workflow: str = EVERY, before: datetime | None = None) -> Purged:
    """End every active run of a workflow, or of all, that started before a time.

    Each run is ended in a transaction of its own, with a person asked for and its quotas settled,
    so that dying half-way leaves whole runs to the next call. Empties the tenant's queue when every
    run is meant. What cannot be ended is tried three times within a second. Recorded when it ended
    any.
    """
    if not workflow and before is None:
        queue_purge()
    ended, left = 0, list[UUID]()
    for attempt in range(_ROUNDS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        done, left = _purge_round(workflow, before)
        ended += done
        if not left:
            break
    return Purged(ended, len(left))


def _purge_round(workflow: str, before: datetime | None) -> tuple[int, list[UUID]]:
    """Try every active run once; returns how many ended, and those that did not."""
    ended, left = 0, list[UUID]()
    while batch := _active(workflow, before, left):
        done = [run_id for run_id in batch if _purge_one(run_id)]
        left += [run_id for run_id in batch if run_id not in done]
        ended += len(done)
        if done:
            _purge_record(workflow, len(done))
    return ended, left


def stopped_purge() -> int:
    """Purge what still goes on although it is stopped; returns how many runs that ended."""
    return sum(runs_purge(workflow=workflow).ended for workflow in stops_current())


def _purge_record(workflow: str, ended: int) -> None:
    target = workflow or ALL_SHOWN
    act_record(act=Act.RUNS_PURGED, target_kind="workflow", target_id=target, data={"ended": ended})


def _active(workflow: str, before: datetime | None, left: Sequence[UUID]) -> list[UUID]:
    runs = selectors.run_list(workflow=workflow, status="active").exclude(pk__in=left)
    if before is not None:
        runs = runs.filter(started_at__lt=before)
    return list(runs.values_list("pk", flat=True)[:_BATCH])


def _purge_one(run_id: UUID) -> bool:
    """Take a run from whoever has it and end it; False when it must be tried again."""
    try:
        with transaction.atomic():
            run = _seize(run_id)
            if run is not None:
                _people_ask(run)
                told = _end(run)
    except (LeaseLost, DatabaseError):
        log.exception("run_not_purged", run=str(run_id))
        return False
    if run is not None:
        told()
    queue_purge(run_id)
    return True


def _seize(run_id: UUID) -> ClaimedRun | None:
    """Become the owner of an active run, whoever is; None when it is over."""
    owner = uuid4().hex
    active = sorted(status.value for status in ACTIVE)
    with connection.cursor() as cursor:
        cursor.execute(_SEIZE, (owner, LEASE_SECONDS, run_id, active))
        row = cursor.fetchone()
    return ClaimedRun(run_id, owner, *row) if row else None


def _people_ask(run: ClaimedRun) -> None:
    """Hand the run's conversation over; one that is gone or resolved needs nobody."""
    try:
        RunHost().rescue(run, RunState(), None)
    except DomainError as error:
        log.info("run_rescue_refused", run=str(run.id), code=error.code)


def _end(run: ClaimedRun) -> Callable[[], None]:
    """Append the end of a run; returns what is to be told once that is committed.

    Of a run whose events cannot be continued the projection alone says that it failed.
    """
    host = RunHost()
    try:
        before = fold(journal.events(run.id))
        facts = _facts(before, _doubts(run, before, host))
        state = fold(facts, before)
    except JournalCorrupt:
        journal.abandon(run, CODE)
        return partial(run_let_go, run.id)
    waits.waits_close(run.id)
    journal.close(run, state, facts, messages=host.closing_events(run, state))
    return partial(host.committed, run, state, facts)


def _doubts(run: ClaimedRun, state: RunState, host: RunHost) -> dict[str, Any]:
    """Say what calls under way may have done; a text that cannot be read leaves nothing to say."""

    def graph(scope: str) -> Graph:
        workflow, content_hash = run.text_at(state, scope)
        return host.graph(workflow=workflow, content_hash=content_hash)

    try:
        return Undoing(run.id, state, graph).doubts()
    except (DomainError, ValueError):
        log.exception("run_graph_unusable", run=str(run.id))
        return {}


def _facts(state: RunState, doubts: dict[str, Any]) -> list[RunEvent]:
    """Say why the run ends; what it had done and not undone yet is left to a person.

    So is what it may have done: a call that was under way when the run was taken from its worker.
    """
    told: list[tuple[EventType, str, dict[str, Any]]] = []
    why = {"code": CODE, "detail": "The workspace's runs were stopped."}
    if state.status is RunStatus.RUNNING:
        told.append((EventType.STEP_FAILED, state.cursor, {"kind": "", **why, **doubts}))
    open_ = [undo for undo in state.undos if undo.is_open]
    for undo in open_:
        given_up = {"key": undo.key, "tool": undo.tool, "attempt": undo.attempt, **why}
        told.append((EventType.COMPENSATION_ABANDONED, undo.step_id, given_up))
    is_left = any(undo.status == "abandoned" for undo in state.undos)
    status = RunStatus.STUCK if open_ or doubts or is_left else RunStatus.FAILED
    told.append((EventType.RUN_ENDED, "", {"status": status.value, "code": CODE}))
    now = timezone.now()
    return [RunEvent(state.seq + place, *fact, now) for place, fact in enumerate(told, start=1)]
