"""Bodies: parallel branches, loops, lists and sub-workflows, resumed where they stood."""

import threading
import time
from uuid import UUID

import pytest

from core.tenancy import TenantContext
from tests.workflows.engine_steps import Bench, Crash, engine_bench, lease_lapse, new_run
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.engine.state import RunState
from workflows.engine.step import kinds
from workflows.models import Run
from workflows.spec.loading import load

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = 'name: bodies\nversion: "1"\n'

PARALLEL = (
    HEAD
    + """\
steps:
  - {id: first, type: count}
  - id: both
    type: parallel
    config:
      branches:
        left:
          - {id: l1, type: count}
          - {id: l2, type: set, config: {left: done}}
        right:
          - {id: r1, type: count}
          - {id: r2, type: count}
          - {id: r3, type: set, config: {right: done}}
  - {id: last, type: count, if: left == 'done' && right == 'done'}
"""
)
LOOP = (
    HEAD
    + """\
steps:
  - {id: begin, type: set, config: {total: 0}}
  - id: again
    type: loop
    config:
      until: total >= 3
      max: 10
      steps:
        - {id: work, type: count}
        - {id: add, type: set, config: {total: "${ total + 1 }"}}
  - {id: last, type: count, if: total == 3}
"""
)
FOREACH = (
    HEAD
    + """\
steps:
  - id: each
    type: foreach
    config:
      in: input.items
      as: thing
      max: 5
      steps:
        - {id: work, type: count}
        - {id: name, type: set, config: {named: "${ thing + '!' }"}}
  - {id: keep, type: set, config: {all: "${ steps.each.results }"}}
  - {id: last, type: count}
"""
)


def driven(bench: Bench, run_id: UUID) -> RunState:
    state = run_drive(run_id, bench)
    assert state is not None
    assert state == fold(journal.events(run_id))  # in memory as read back
    return state


@pytest.fixture(autouse=True)
def step_types(in_acme: TenantContext) -> None:
    steps.load()


def test_failure_caught_inside_a_branch_lets_both_branches_go_on() -> None:
    caught = "{id: r1, type: count, config: {fail: true}, catch: [{on: [any], next: r3}]}"
    source = PARALLEL.replace("{id: r1, type: count}", caught)
    with engine_bench(source) as bench:
        run_id = new_run(bench.graph_)
        state = driven(bench, run_id)
    assert state.status is RunStatus.COMPLETED
    assert set(bench.visits) == {"first", "l1", "r1", "last"}


def test_parallel_walks_each_branch_once_and_knows_what_both_set() -> None:
    with engine_bench(PARALLEL) as bench:
        state = driven(bench, new_run(bench.graph_))
        assert state.status is RunStatus.COMPLETED
        assert sorted(bench.visits) == ["first", "l1", "last", "r1", "r2"]
        assert bench.visits[-1] == "last"
        assert state.outputs["both"]["left"]["left"] == "done"


def test_parallel_branches_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    with engine_bench(PARALLEL) as bench:
        bench.during = {"l1": meeting.wait, "r1": meeting.wait}
        state = driven(bench, new_run(bench.graph_))
        assert state.status is RunStatus.COMPLETED


@pytest.mark.parametrize("dies_in", ["l1", "r1", "r2"])
def test_parallel_resumes_where_each_branch_stood(dies_in: str) -> None:
    with engine_bench(PARALLEL) as bench:
        run_id = new_run(bench.graph_)
        bench.crash_in = {dies_in}
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        finished = {e.step_id for e in journal.events(run_id) if e.type == "step.completed"}
        before = list(bench.visits)
        lease_lapse(run_id)
        state = driven(bench, run_id)
        assert state.status is RunStatus.COMPLETED
        assert not finished & set(bench.visits[len(before) :])


def test_loop_carries_values_from_round_to_round() -> None:
    with engine_bench(LOOP) as bench:
        state = driven(bench, new_run(bench.graph_))
        assert state.status is RunStatus.COMPLETED
        assert bench.visits == ["work", "work", "work", "last"]
        assert state.outputs["again"] == {"rounds": 3, "is_exhausted": False}
        assert "index" not in state.values


def test_loop_stops_at_its_bound() -> None:
    with engine_bench(LOOP.replace("max: 10", "max: 2")) as bench:
        state = driven(bench, new_run(bench.graph_))
        assert bench.visits == ["work", "work"]
        assert state.outputs["again"] == {"rounds": 2, "is_exhausted": True}


def test_loop_resumes_in_its_round() -> None:
    with engine_bench(LOOP) as bench:
        run_id = new_run(bench.graph_)
        bench.crash_after = {7}
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        lease_lapse(run_id)
        state = driven(bench, run_id)
        assert state.status is RunStatus.COMPLETED
        assert bench.visits == ["work", "work", "work", "last"]


def test_foreach_gathers_results_in_order() -> None:
    with engine_bench(FOREACH) as bench:
        state = driven(bench, new_run(bench.graph_, items=["a", "b", "c"]))
        assert state.values["all"] == [
            {"number": 1, "named": "a!"},
            {"number": 3, "named": "b!"},
            {"number": 5, "named": "c!"},
        ]


def test_foreach_of_nothing_goes_on() -> None:
    with engine_bench(FOREACH) as bench:
        state = driven(bench, new_run(bench.graph_, items=[]))
        assert state.status is RunStatus.COMPLETED
        assert state.outputs["each"] == {"results": [], "count": 0}


def test_foreach_of_too_many_fails_visibly() -> None:
    with engine_bench(FOREACH) as bench:
        run_id = new_run(bench.graph_, items=list("abcdef"))
        driven(bench, run_id)
        assert Run.objects.get(pk=run_id).error_code == "step_failed"


def test_foreach_walks_several_items_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=10)
    with engine_bench(FOREACH.replace("max: 5", "max: 5\n      concurrency: 3")) as bench:
        bench.during = {"work": meeting.wait}
        state = driven(bench, new_run(bench.graph_, items=["a", "b", "c"]))
        assert [r["named"] for r in state.values["all"]] == ["a!", "b!", "c!"]


SUB = """\
name: sub
version: "1"
input: {type: object, required: [n], properties: {n: {type: integer}}}
result: {twice: "${ doubled }"}
steps:
  - {id: inner, type: count}
  - {id: double, type: set, config: {doubled: "${ input.n * 2 }"}}
"""
OUTER = (
    HEAD
    + """\
steps:
  - {id: before, type: set, config: {secret: 7, n: 4}}
  - id: call
    type: workflow
    config: {workflow: sub, input: {n: "${ n }"}}
  - {id: after, type: count, if: steps.call.twice == 8}
"""
)


def test_sub_workflow_gives_back_its_result_and_nothing_else() -> None:
    with engine_bench(OUTER) as bench:
        bench.others = {"sub": load(SUB, kinds())}
        state = driven(bench, new_run(bench.graph_))
        assert bench.visits == ["inner", "after"]
        assert state.outputs["call"] == {"twice": 8}
        assert "doubled" not in state.values
        assert "inner" not in state.outputs


def test_sub_workflow_resumes_on_the_text_it_began_with() -> None:
    with engine_bench(OUTER) as bench:
        bench.others = {"sub": load(SUB, kinds())}
        run_id = new_run(bench.graph_)
        bench.crash_after = {4}  # the scope and the first step in it are on record
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        bench.others["newer"] = bench.others["sub"]
        bench.others["sub"] = load(SUB.replace("n * 2", "n * 9"), kinds())
        lease_lapse(run_id)
        state = driven(bench, run_id)
        assert state.outputs["call"] == {"twice": 8}


def test_sub_workflow_refuses_what_breaks_its_input() -> None:
    with engine_bench(OUTER.replace("n: 4", "n: four")) as bench:
        bench.others = {"sub": load(SUB, kinds())}
        run_id = new_run(bench.graph_)
        driven(bench, run_id)
        assert Run.objects.get(pk=run_id).error_code == "workflow_input_invalid"


def test_bodies_take_no_longer_than_their_slowest_branch() -> None:
    with engine_bench(PARALLEL) as bench:
        bench.during = {"l1": lambda: time.sleep(0.4), "r1": lambda: time.sleep(0.4)}
        began = time.monotonic()
        driven(bench, new_run(bench.graph_))
        assert time.monotonic() - began < 0.75
