"""Runs survive their workers: nothing is repeated, nothing is lost, nothing is silent."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from core import tenancy
from core.tenancy import TenantContext
from tests.workflows.engine_steps import Bench, Crash, engine_bench, lease_lapse, new_run
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import EventType, RunStatus
from workflows.engine.execution import MAX_ATTEMPTS, run_drive
from workflows.engine.folding import fold
from workflows.engine.journal import LeaseLost
from workflows.engine.lease import keeper
from workflows.models import Run, RunEvent

FIVE = 'name: five\nversion: "1"\nsteps:\n' + "".join(
    f"  - {{id: s{n}, type: count}}\n" for n in range(1, 6)
)
SKIPPING = """\
name: skipping
version: "1"
steps:
  - {id: s1, type: count}
  - {id: s2, type: count, if: number > 5}
  - {id: s3, type: count, if: number = 1, next: end}
  - {id: s4, type: count}
"""

BRANCHING = """\
name: branching
version: "1"
steps:
  - {id: s1, type: count}
  - id: choose
    type: branch
    config: {cases: [{when: number = 1, next: s3}], default: s2}
  - {id: s2, type: count}
  - {id: s3, type: count}
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def five(in_acme: TenantContext) -> Iterator[Bench]:
    with engine_bench(FIVE) as bench:
        yield bench


def graph_of(bench: Bench) -> Any:
    assert bench.graph_ is not None
    return bench.graph_


def kinds_of(run_id: UUID) -> list[str]:
    return [event.type for event in journal.events(run_id)]


def test_run_commits_each_step_once(five: Bench) -> None:
    run_id = new_run(graph_of(five), text="hello")
    state = run_drive(run_id, five)
    assert state is not None
    assert state.status is RunStatus.COMPLETED
    assert five.visits == ["s1", "s2", "s3", "s4", "s5"]
    assert five.commits == [2, 3, 4, 5, 7]  # the end rides on the last step's commit
    run = Run.objects.get(pk=run_id)
    assert (run.status, run.seq, run.result, run.current_step) == (
        "completed", 7, {"last": "s5"}, "",
    )  # fmt: skip
    assert run.finished_at is not None


def test_state_in_memory_equals_state_read_back(five: Bench) -> None:
    run_id = new_run(graph_of(five), text="hello")
    state = run_drive(run_id, five)
    assert fold(journal.events(run_id)) == state
    assert state is not None
    assert state.outputs["s1"]["text"] == "seen\ufffd ü"  # what Postgres can hold


def test_step_costs_one_statement(five: Bench, django_assert_num_queries: Any) -> None:
    run_id = new_run(graph_of(five), text="hello")
    with django_assert_num_queries(6):  # the claim reads too; the end rides on the last step
        run_drive(run_id, five)


def test_pure_step_rides_on_the_next_commit(in_acme: TenantContext) -> None:
    steps.load()
    with engine_bench(BRANCHING) as bench:
        run_id = new_run(graph_of(bench))
        bench.crash_in = {"s3"}
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        assert kinds_of(run_id) == ["run.started", "step.completed"]
        lease_lapse(run_id)
        state = run_drive(run_id, bench)
        assert bench.commits == [2, 6]
        assert bench.visits == ["s1", "s3", "s3"]  # the branch came out the same
        assert state == fold(journal.events(run_id))


def test_condition_false_passes_over_and_next_is_obeyed(in_acme: TenantContext) -> None:
    with engine_bench(SKIPPING) as bench:
        run_id = new_run(graph_of(bench))
        run_drive(run_id, bench)
        assert bench.visits == ["s1", "s3"]
        assert kinds_of(run_id) == [
            "run.started", "step.completed", "step.skipped", "step.completed", "run.ended",
        ]  # fmt: skip


@pytest.mark.parametrize("seq", [2, 3, 4, 5])
def test_worker_killed_after_a_commit_repeats_nothing(five: Bench, seq: int) -> None:
    run_id = new_run(graph_of(five))
    five.crash_after = {seq}
    with pytest.raises(Crash):
        run_drive(run_id, five)
    assert run_drive(run_id, five) is None  # the dead worker's lease still holds
    lease_lapse(run_id)
    assert [run.id for run in journal.lapsed(limit=10, grace_seconds=5)] == [run_id]
    state = run_drive(run_id, five)
    assert state is not None
    assert state.status is RunStatus.COMPLETED
    assert five.visits == ["s1", "s2", "s3", "s4", "s5"]
    assert kinds_of(run_id).count("run.resumed") == 1


def test_worker_killed_inside_a_step_repeats_only_that_step(five: Bench) -> None:
    run_id = new_run(graph_of(five))
    five.crash_in = {"s3"}
    with pytest.raises(Crash):
        run_drive(run_id, five)
    lease_lapse(run_id)
    run_drive(run_id, five)
    assert five.visits == ["s1", "s2", "s3", "s3", "s4", "s5"]


def test_sweep_leaves_runs_with_a_live_lease_and_waits_before_it_asks_again(five: Bench) -> None:
    run_id = new_run(graph_of(five))
    assert journal.lapsed(limit=10, grace_seconds=5) == []
    lease_lapse(run_id)
    assert [run.id for run in journal.lapsed(limit=10, grace_seconds=5)] == [run_id]
    assert journal.lapsed(limit=10, grace_seconds=5) == []


def test_finished_run_is_not_driven_again(five: Bench) -> None:
    run_id = new_run(graph_of(five))
    run_drive(run_id, five)
    assert run_drive(run_id, five) is None
    assert len(five.visits) == 5


def test_worker_that_lost_its_lease_stops_without_a_trace(five: Bench) -> None:
    run_id = new_run(graph_of(five))
    first = journal.claim(run_id)
    lease_lapse(run_id)
    second = journal.claim(run_id)
    assert first is not None
    assert second is not None
    fact = RunEventFact(2)
    journal.append(second, [fact])
    with pytest.raises(LeaseLost):
        journal.append(first, [fact])
    with pytest.raises(LeaseLost):
        journal.append(second, [fact])  # the number is taken: nobody writes it twice
    assert RunEvent.objects.filter(run_id=run_id).count() == 2


def RunEventFact(seq: int) -> Any:  # noqa: N802 - reads as the value it makes
    from django.utils import timezone

    from workflows.engine.events import RunEvent as Fact

    payload = {"kind": "count", "next": "s2", "output": {}, "exports": {}}
    return Fact(seq, EventType.STEP_COMPLETED, "s1", payload, timezone.now())


def test_eight_workers_drive_a_run_once(five: Bench) -> None:
    run_id = new_run(graph_of(five))

    def work() -> bool:
        try:
            return run_drive(run_id, five) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = [
            future.result() for future in [pool.submit(copy_context().run, work) for _ in range(8)]
        ]
    assert sum(done) == 1
    assert five.visits == ["s1", "s2", "s3", "s4", "s5"]
    assert [event.seq for event in journal.events(run_id)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("config", "code"), [("fail: true", "step_failed"), ("break_: true", "internal_error")]
)
def test_failed_step_fails_the_run_and_brings_a_person(
    in_acme: TenantContext, config: str, code: str
) -> None:
    source = FIVE.replace("{id: s3, type: count}", f"{{id: s3, type: count, config: {{{config}}}}}")
    with engine_bench(source) as bench:
        run_id = new_run(graph_of(bench))
        run_drive(run_id, bench)
        run = Run.objects.get(pk=run_id)
        assert (run.status, run.error_code) == ("failed", code)
        assert bench.rescued == [run_id]
        assert bench.visits == ["s1", "s2", "s3"]


def test_worker_killed_before_the_rescue_does_not_forget_it(in_acme: TenantContext) -> None:
    source = FIVE.replace("{id: s1, type: count}", "{id: s1, type: count, config: {fail: true}}")
    with engine_bench(source) as bench:
        run_id = new_run(graph_of(bench))
        bench.crash_in_rescue = True
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        assert fold(journal.events(run_id)).status is RunStatus.FAILING
        lease_lapse(run_id)
        run_drive(run_id, bench)
        assert bench.rescued == [run_id]
        assert bench.visits == ["s1"]
        assert Run.objects.get(pk=run_id).status == "failed"


def test_condition_that_cannot_decide_fails_the_run_visibly(in_acme: TenantContext) -> None:
    source = FIVE.replace("{id: s2, type: count}", "{id: s2, type: count, if: number / 0 = 1}")
    with engine_bench(source) as bench:
        run_id = new_run(graph_of(bench))
        run_drive(run_id, bench)
        run = Run.objects.get(pk=run_id)
        assert (run.status, run.error_code) == ("failed", "condition_failed")
        assert bench.rescued == [run_id]


def test_step_may_end_the_run_early(in_acme: TenantContext) -> None:
    source = FIVE.replace("{id: s2, type: count}", "{id: s2, type: count, config: {end: true}}")
    with engine_bench(source) as bench:
        run_id = new_run(graph_of(bench))
        run_drive(run_id, bench)
        assert Run.objects.get(pk=run_id).status == "superseded"
        assert bench.visits == ["s1", "s2"]


def test_run_that_kills_every_worker_ends_with_a_person(five: Bench) -> None:
    run_id = new_run(graph_of(five))
    for _ in range(MAX_ATTEMPTS):
        five.crash_in = {"s2"}
        with pytest.raises(Crash):
            run_drive(run_id, five)
        lease_lapse(run_id)
    run_drive(run_id, five)
    assert five.rescued == [run_id]
    assert Run.objects.get(pk=run_id).error_code == "attempts_exhausted"


@pytest.mark.parametrize("lost", [1, 2])
def test_run_whose_events_do_not_fit_together_fails_visibly(five: Bench, lost: int) -> None:
    run_id = new_run(graph_of(five))
    five.crash_after = {3}
    with pytest.raises(Crash):
        run_drive(run_id, five)
    RunEvent.objects.filter(run_id=run_id, seq=lost).delete()
    lease_lapse(run_id)
    assert run_drive(run_id, five) is None
    run = Run.objects.get(pk=run_id)
    assert (run.status, run.error_code) == ("failed", "journal_corrupt")
    assert five.rescued == [run_id]


def test_one_active_run_per_conversation_and_one_per_turn(five: Bench) -> None:
    conversation = uuid4()
    run_id = new_run(graph_of(five), conversation_id=conversation, answered_seq=1)
    with pytest.raises(AssertionError):
        new_run(graph_of(five), conversation_id=conversation, answered_seq=2)
    run_drive(run_id, five)
    with pytest.raises(AssertionError):
        new_run(graph_of(five), conversation_id=conversation, answered_seq=1)
    assert new_run(graph_of(five), conversation_id=conversation, answered_seq=2)


def test_other_tenant_cannot_drive_or_read_a_run(five: Bench, world: Any) -> None:
    run_id = new_run(graph_of(five))
    with tenancy.tenant_scope(world.tenants["globex"]):
        assert run_drive(run_id, five) is None
        assert journal.events(run_id) == []
        lease_lapse(run_id)
        assert journal.lapsed(limit=10, grace_seconds=5) == []
    assert Run.objects.filter(pk=run_id).exists()


def test_long_step_keeps_its_lease_until_its_deadline(
    five: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.engine.lease.RENEW_SECONDS", 0.1)
    run_id = new_run(graph_of(five))
    run = journal.claim(run_id)
    assert run is not None
    lease_lapse(run_id)
    with keeper.holding(run) as hold:
        hold.deadline = time.monotonic() + 5
        time.sleep(0.5)
        assert journal.claim(run_id) is None  # renewed
        hold.deadline = time.monotonic()
        time.sleep(0.3)
        lease_lapse(run_id)
        time.sleep(0.3)
        assert journal.claim(run_id) is not None  # a step past its deadline loses the run
