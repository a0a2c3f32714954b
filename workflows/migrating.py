"""Move runs that go on from one version of their workflow to another, by an explicit map."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.audit.record import act_record
from core.audit.types import Act
from workflows import selectors
from workflows.engine import journal
from workflows.engine.events import EventType, RunEvent
from workflows.engine.folding import JournalCorrupt, apply, fold
from workflows.errors import MapRefused
from workflows.models import Run
from workflows.replaying.moving import map_faults, move_fault
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph

# A worker that has the run lets go of it after a step or two, or its lease lapses.
_ROUNDS: Final = 3
_PAUSE_SECONDS: Final = 0.3


@dataclass(slots=True)
class Migration:
    """What became of each run: moved, refused with the reason, or in a worker's hands just now."""

    moved: list[UUID] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)
    busy: list[UUID] = field(default_factory=list)


def runs_migrate(
    *,
    workflow: str,
    from_hash: str,
    to_hash: str,
    names: Mapping[str, str],
    dry_run: bool = False,
) -> Migration:
    """Pin every active run of one version to another, and call its steps by their new names.

    ``names`` maps the old id of a step to the new one; a run moves only if each place it stands at
    is in it, or is the same step (id, type, tool, body) in both versions. Each run is moved in a
    transaction of its own, with its row locked, a ``run.migrated`` event and an act; one that a
    worker has is tried three times within a second. Idempotent: again, it moves what is left.
    With ``dry_run`` nothing is written. Raises ``WorkflowNotFound``, ``VersionNotFound``,
    ``MapRefused``.
    """
    old, new = (_graph(workflow, content_hash) for content_hash in (from_hash, to_hash))
    faults = [{"pointer": f"/{step}", "detail": told} for step, told in map_faults(old, new, names)]
    if faults:
        raise MapRefused("; ".join(f"{f['pointer'][1:]}: {f['detail']}" for f in faults[:5]))
    migration = Migration(busy=_active(workflow, from_hash))
    for attempt in range(_ROUNDS):
        if attempt and migration.busy:
            time.sleep(_PAUSE_SECONDS)
        waiting, migration.busy = migration.busy, []
        for run_id in waiting:
            _move(run_id, migration, (old, new), names, dry_run)
    return migration


def _graph(workflow: str, content_hash: str) -> Graph:
    selectors.version_on_record(workflow=workflow, content_hash=content_hash)
    try:
        return selectors.graph_get(workflow=workflow, content_hash=content_hash)
    except SpecError as error:
        raise MapRefused(f"This release cannot read {content_hash[:12]}.") from error


def _active(workflow: str, content_hash: str) -> list[UUID]:
    runs = selectors.run_list(workflow=workflow, status="active").filter(content_hash=content_hash)
    return list(runs.order_by("started_at").values_list("pk", flat=True))


@transaction.atomic
def _move(
    run_id: UUID,
    migration: Migration,
    graphs: tuple[Graph, Graph],
    names: Mapping[str, str],
    dry_run: bool,
) -> None:
    old = graphs[0]
    if not journal.free_lock(run_id, old.content_hash):
        if _still_there(run_id, old):
            migration.busy.append(run_id)
        return
    events = journal.events(run_id)
    fault = _fault(events, graphs, names)
    if fault:
        migration.refused[run_id] = fault
        return
    if not dry_run:
        _repin(run_id, events, graphs, names)
    migration.moved.append(run_id)


def _still_there(run_id: UUID, old: Graph) -> bool:
    """Tell whether a run that could not be locked still goes on with the old version."""
    run = Run.objects.filter(pk=run_id, content_hash=old.content_hash).first()
    return run is not None and run.is_active


def _fault(
    events: Sequence[RunEvent], graphs: tuple[Graph, Graph], names: Mapping[str, str]
) -> str:
    try:
        return move_fault(fold(events), *graphs, names)
    except JournalCorrupt:
        return "Its events cannot be continued."


def _repin(
    run_id: UUID, events: Sequence[RunEvent], graphs: tuple[Graph, Graph], names: Mapping[str, str]
) -> None:
    old, new = graphs
    state = fold(events)
    pins = {"from": old.content_hash, "to": new.content_hash}
    payload = {"mapping": dict(names), **pins}
    moved = journal.fact(state.seq + 1, EventType.RUN_MIGRATED, "", payload, timezone.now())
    journal.repin(run_id, moved, apply(state, moved), new.version)
    act_record(act=Act.RUNS_MIGRATED, target_kind="run", target_id=run_id, data=pins)
