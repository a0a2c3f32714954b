"""Replay a run from its recorded events, as it was, with another version, or at another tier."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from routing.types import Tier
from tenants.throttle import attempt_count
from workflows import selectors
from workflows.engine.dumping import state_digest
from workflows.engine.events import EventType, RunEvent
from workflows.engine.folding import JournalCorrupt
from workflows.engine.state import RunState
from workflows.errors import ReplayImpossible, WorkflowNotFound
from workflows.models import Run
from workflows.replaying.asking import Asking
from workflows.replaying.inputs import given_text
from workflows.replaying.record import Record
from workflows.replaying.rows import Replay
from workflows.replaying.walk import Pinned, Walk, context_make
from workflows.spec.conditions import ConditionFailed
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph

REPLAYS_PER_MINUTE: Final = 60
ASKS_PER_HOUR: Final = 30
_ASKING = "replay_asking"


def replay_admit(*, run_id: UUID, asks: bool = False) -> None:
    """Count a replay of a run of the current workspace: 60 a minute.

    With ``asks``, models are to be asked: 30 an hour, and none while they cannot be counted.
    Raises ``RunNotFound``, ``RateLimited``.
    """
    selectors.run_get(run_id=run_id)
    subject = tenancy.require().id.hex
    limit = REPLAYS_PER_MINUTE
    attempt_count(kind="replay", subject=subject, limit=limit, seconds=60, fails_closed=False)
    if asks:
        attempt_count(kind=_ASKING, subject=subject, limit=ASKS_PER_HOUR, seconds=3600)


def run_replay(*, run_id: UUID, version: str = "", tier: Tier | None = None) -> Replay:
    """Walk a run again beside its record and say step by step what differs.

    Writes, publishes, calls and sends nothing: without ``tier`` the database itself refuses to
    write meanwhile. ``version`` is the hash of a text of the same workflow, or its version, of
    which the latest counts; without it the run's own. With ``tier`` the ``llm`` steps are asked
    again there: that costs, is held to the workspace's budgets, and is recorded in the audit log;
    it is not metered as an answer. Then not within a transaction. Raises ``RunNotFound``,
    ``VersionNotFound``, ``ReplayImpossible``.
    """
    if tier is None:
        with _read_only():
            return _replayed(run_id, version, None)
    asking = Asking(tier)
    try:
        return _replayed(run_id, version, asking)
    finally:
        if asking.tokens or asking.cost_micro:
            _spend_record(run_id, asking)


@contextmanager
def _read_only() -> Iterator[None]:
    """Have the database refuse writes; what surrounds this may write again afterwards."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        try:
            yield
        finally:
            # Only going back to the savepoint makes the transaction around it writable again.
            transaction.set_rollback(True)


def _replayed(run_id: UUID, version: str, asking: Asking | None) -> Replay:
    run = selectors.run_get(run_id=run_id)
    events = selectors.run_events(run_id=run_id)
    try:
        record = record_read(run, events)
        graph = _graph(run, version)
    except (SpecError, WorkflowNotFound, JournalCorrupt, StopIteration) as error:
        raise ReplayImpossible(run_id=str(run_id)) from error
    walk = Walk(run_id, record, graph, _current, asking)
    steps = walk.to_end()
    return Replay(
        workflow=run.workflow,
        recorded_hash=run.content_hash,
        replayed_hash=graph.content_hash,
        tier=asking.tier.value if asking else "",
        seq=record.state.seq,
        state_hash=state_digest(record.state),
        recorded_status=record.state.status.value,
        replayed_status=walk.state.status.value,
        steps=steps,
        would_undo=[undo.tool for undo in walk.state.undos if undo.is_open],
        cost_micro=asking.cost_micro if asking else 0,
        currency=asking.currency if asking else "",
        tokens=asking.tokens if asking else 0,
    )


def record_read(run: Run, events: list[RunEvent]) -> Record:
    """Sort a run's events into visits; raises ``JournalCorrupt``, ``SpecError``."""
    first = next(iter(events))
    moves = (event for event in events if event.type is EventType.RUN_MIGRATED)
    pins = (event.payload["from"] for event in moves)
    pinned = (run.workflow, next(pins, run.content_hash))
    record = Record(_graph_of, lambda *_seen: None, first, pinned)

    def given(state: RunState, scope: str, graph: Graph) -> str | None:
        node = graph.nodes.get(state.tokens[scope].cursor)
        if node is None:
            return None
        graphs = Pinned(record, _current)
        try:
            return given_text(context_make(run.pk, state, scope, node, graph, graphs))
        except ConditionFailed:
            return None

    record.given = given
    record.read(events)
    return record


def _graph(run: Run, version: str) -> Graph:
    if not version:
        return _graph_of(run.workflow, run.content_hash)
    found = selectors.version_named(workflow=run.workflow, version=version)
    return _graph_of(run.workflow, found)


def _graph_of(workflow: str, content_hash: str) -> Graph:
    return selectors.graph_get(workflow=workflow, content_hash=content_hash)


def _current(workflow: str) -> Graph:
    """Return what answers under a name now, without putting it on record."""
    graph = selectors.workflow_get(workflow=workflow).graph
    if graph is None:
        raise WorkflowNotFound(workflow=workflow)
    return graph


@transaction.atomic
def _spend_record(run_id: UUID, asking: Asking) -> None:
    spent = {"tier": asking.tier.value, "tokens": asking.tokens, "cost_micro": asking.cost_micro}
    act_record(act=Act.RUN_REPLAYED, target_kind="run", target_id=run_id, data=spent)
