"""Runs moved to another version: by an explicit map, all or not at all, and they go on there."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.audit.models import AuditEntry
from core.tenancy import TenantContext, tenant_scope
from tests.workflows.engine_steps import lease_lapse, new_run
from tests.workflows.engine_tools import Shop, shop_open
from workflows import selectors, steps, versions
from workflows.engine import journal
from workflows.engine.events import EventType
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.errors import MapRefused, VersionNotFound
from workflows.hosting import RunHost
from workflows.migrating import runs_migrate
from workflows.models import Run, RunEvent, Wait
from workflows.replays import run_replay

pytestmark = pytest.mark.django_db(transaction=True)
OLD = """\
name: order
version: "1"
steps:
  - {id: keep, type: tool, tool: reserve, config: {item: a}}
  - {id: nap, type: wait, config: {for: 1h}}
  - {id: post, type: tool, tool: mail, config: {item: "${ steps.keep.item }"}}
"""
NEW = """\
name: order
version: "2"
steps:
  - {id: hold, type: tool, tool: reserve, config: {item: a}}
  - {id: rest, type: wait, config: {for: 1h}}
  - {id: send, type: tool, tool: mail, config: {item: "${ steps.hold.item + '!' }"}}
"""
NAMES = {"keep": "hold", "nap": "rest"}


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


def published(source: str) -> str:
    return versions.workflow_publish(source=source, published_by=None).content_hash


def waiting(source: str = OLD) -> tuple[UUID, str]:
    """Return a run that waits, and the hash it is pinned to."""
    content_hash = published(source)
    run_id = new_run(selectors.graph_get(workflow="order", content_hash=content_hash))
    run_drive(run_id, RunHost())
    assert Run.objects.get(pk=run_id).status == "waiting"
    return run_id, content_hash


def woken(run_id: UUID) -> str:
    """Let the run's wait be over and drive it to its end; returns how it ended."""
    wait = Wait.objects.get(run_id=run_id, state="open")
    Wait.objects.filter(pk=wait.pk).update(state="answered", resolved_at=timezone.now())
    state = run_drive(run_id, RunHost())
    assert state is not None
    assert state == fold(journal.events(run_id))
    return state.status.value


def test_a_waiting_run_goes_on_with_the_other_version(shop: Shop) -> None:
    run_id, old = waiting()
    new = published(NEW)
    migration = runs_migrate(workflow="order", from_hash=old, to_hash=new, names=NAMES)
    assert (migration.moved, migration.refused, migration.busy) == ([run_id], {}, [])
    run = Run.objects.get(pk=run_id)
    assert (run.content_hash, run.version, run.current_step) == (new, "2", "rest")
    assert run.status == "waiting"
    assert run.seq == RunEvent.objects.filter(run_id=run_id).count()
    moved = RunEvent.objects.get(run_id=run_id, type=EventType.RUN_MIGRATED.value)
    assert moved.payload == {"mapping": NAMES, "from": old, "to": new}
    assert AuditEntry.objects.filter(act="runs.migrated", target_id=str(run_id)).exists()
    assert woken(run_id) == "completed"
    assert shop.done == ["reserve a", "mail a!"]
    assert run_replay(run_id=run_id).is_same


def test_moving_again_moves_nothing_more(shop: Shop) -> None:
    run_id, old = waiting()
    wanted = {"workflow": "order", "from_hash": old, "to_hash": published(NEW), "names": NAMES}
    assert runs_migrate(**wanted).moved == [run_id]  # type: ignore[arg-type]  # one dict of all
    assert runs_migrate(**wanted).moved == []  # type: ignore[arg-type]  # one dict of all
    assert RunEvent.objects.filter(type=EventType.RUN_MIGRATED.value).count() == 1


def test_a_dry_run_says_what_would_move_and_writes_nothing(shop: Shop) -> None:
    run_id, old = waiting()
    new = published(NEW)
    before = (RunEvent.objects.count(), AuditEntry.objects.count())
    found = runs_migrate(workflow="order", from_hash=old, to_hash=new, names=NAMES, dry_run=True)
    assert found.moved == [run_id]
    assert (RunEvent.objects.count(), AuditEntry.objects.count()) == before
    assert Run.objects.get(pk=run_id).content_hash == old


def test_a_run_at_a_step_that_is_not_in_the_map_is_refused(shop: Shop) -> None:
    run_id, old = waiting()
    new = published(NEW)
    found = runs_migrate(workflow="order", from_hash=old, to_hash=new, names={"keep": "hold"})
    assert found.moved == []
    assert found.refused == {run_id: "It stands at 'nap', which is not in the map."}
    assert Run.objects.get(pk=run_id).content_hash == old
    assert woken(run_id) == "completed"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"gone": "hold"}, "The old version has no such step"),
        ({"keep": "gone"}, "The new version has no step 'gone'"),
        ({"keep": "rest"}, "'keep' is a tool, 'rest' a wait"),
        ({"keep": "send"}, "'keep' calls reserve, 'send' mail"),
    ],
)
def test_a_map_that_leads_nowhere_is_refused(shop: Shop, names: dict[str, str], told: str) -> None:
    _run_id, old = waiting()
    new = published(NEW)
    with pytest.raises(MapRefused, match=told):
        runs_migrate(workflow="order", from_hash=old, to_hash=new, names=names)
    with pytest.raises(VersionNotFound):
        runs_migrate(workflow="order", from_hash=old, to_hash="0" * 64, names={})


def test_a_run_inside_a_container_moves_with_it_and_not_out_of_it(shop: Shop) -> None:
    inside = """\
name: order
version: "1"
steps:
  - id: both
    type: parallel
    config:
      branches:
        left: [{id: nap, type: wait, config: {for: 1h}}]
        right: [{id: doze, type: wait, config: {for: 1h}}]
"""
    run_id, old = waiting(inside)
    renamed = published(inside.replace("both", "pair").replace('"1"', '"2"'))
    found = runs_migrate(workflow="order", from_hash=old, to_hash=renamed, names={"both": "pair"})
    assert "which keeps its name" in found.refused[run_id]
    swapped = inside.replace("left", "first").replace('"1"', '"3"')
    other = published(swapped)
    found = runs_migrate(workflow="order", from_hash=old, to_hash=other, names={})
    assert "elsewhere" in found.refused[run_id]
    kept = published(inside.replace("nap", "rest").replace('"1"', '"4"'))
    found = runs_migrate(workflow="order", from_hash=old, to_hash=kept, names={"nap": "rest"})
    assert found.moved == [run_id]
    assert {"rest", "doze"} <= {t.cursor for t in fold(journal.events(run_id)).tokens.values()}


def test_a_run_in_a_workers_hands_is_left_and_moved_when_it_is_free(shop: Shop) -> None:
    run_id, old = waiting()
    new = published(NEW)
    held = journal.claim(run_id)
    assert held is not None
    wanted = {"workflow": "order", "from_hash": old, "to_hash": new, "names": NAMES}
    assert runs_migrate(**wanted).busy == [run_id]  # type: ignore[arg-type]  # one dict of all
    lease_lapse(run_id)
    assert runs_migrate(**wanted).moved == [run_id]  # type: ignore[arg-type]  # one dict of all
    late = journal.fact(99, EventType.RUN_RESUMED, "", {"attempt": 2}, timezone.now())
    with pytest.raises(journal.LeaseLost):
        journal.append(held, [late])


def test_no_other_workspaces_runs_are_moved(shop: Shop, globex: TenantContext) -> None:
    run_id, old = waiting()
    new = published(NEW)
    with tenant_scope(globex):
        assert (published(OLD), published(NEW)) == (old, new)
        found = runs_migrate(workflow="order", from_hash=old, to_hash=new, names=NAMES)
    assert found.moved == []
    assert Run.objects.get(pk=run_id).content_hash == old


def test_the_command_moves_by_a_file(shop: Shop, tmp_path: Path) -> None:
    run_id, old = waiting()
    new = published(NEW)
    path = tmp_path / "map.yaml"
    base = ("runs_migrate", "order", "--tenant", "acme", "--from", old, "--to", new)
    path.write_text("keep: [hold]\n")
    with pytest.raises(CommandError, match="one `old_step: new_step` a line"):
        call_command(*base, "--map", str(path))
    path.write_text("keep: hold\n")
    errors, out = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 runs stay"):
        call_command(*base, "--map", str(path), stderr=errors)
    assert "not in the map" in errors.getvalue()
    path.write_text("keep: hold\nnap: rest\n")
    call_command(*base, "--map", str(path), "--dry-run", stdout=out)
    call_command(*base, "--map", str(path), stdout=out)
    assert out.getvalue() == f"would move {run_id}\nmoved {run_id}\n"
