"""Runs that lead nowhere are stopped within two rounds; runs that get on are left alone."""

from collections.abc import Iterator

import pytest

from core.tenancy import TenantContext
from tests.workflows.engine_steps import Bench, engine_bench, new_run
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import EventType, RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.engine.progress import LONGEST_PERIOD, period_of
from workflows.engine.state import RunState, StepRecord
from workflows.engine.step import kinds
from workflows.spec.loading import load

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = 'name: circles\nversion: "1"\nlimits: {steps: 200}\nsteps:\n'
TURN = "  - {id: turn, type: set, config: {at: 0}, max_visits: 1000}\n"
# The language wants a way to an end; this one is never taken.
OUT = "  - {id: out, type: set, config: {seen: true}, if: at > 100, next: end}\n"


@pytest.fixture
def bench(in_acme: TenantContext) -> Iterator[Bench]:
    steps.load()
    with engine_bench(HEAD + "  - {id: a, type: count}") as bench:
        yield bench


def driven(bench: Bench, lines: str) -> RunState:
    bench.graph_ = load(HEAD + lines, kinds())
    state = run_drive(new_run(bench.graph_), bench)
    assert state is not None
    return state


def ring(length: int) -> str:
    """Return steps of which each leads to the next, and the last one back to the first."""
    lines = [f"  - {{id: s{n}, type: set, config: {{at: {n}}}}}\n" for n in range(1, length)]
    return TURN + OUT + "".join(lines)[:-2] + ", next: turn}\n"


def visits(state: RunState, step_id: str) -> int:
    return len([record for record in done(state) if record.step_id == step_id])


def done(state: RunState) -> list[StepRecord]:
    return [record for record in state.records if record.outcome is EventType.STEP_COMPLETED]


@pytest.mark.parametrize("length", [2, 3, 7, LONGEST_PERIOD])
def test_steps_that_lead_back_to_where_they_were_are_cut_after_two_rounds(
    bench: Bench, length: int
) -> None:
    state = driven(bench, ring(length))
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "oscillation")
    assert len(done(state)) <= 2 * length + 1
    assert bench.rescued  # a person hears of it


def test_loop_whose_rounds_change_nothing_is_cut_in_the_second_round(bench: Bench) -> None:
    body = "      - {id: same, type: set, config: {at: 1}}\n"
    state = driven(
        bench,
        f"  - id: again\n    type: loop\n    config:\n      until: at > 1\n      max: 50\n"
        f"      steps:\n  {body}  - {{id: last, type: count}}\n",
    )
    assert state.error["code"] == "no_progress"
    assert visits(state, "same") == 2
    assert visits(state, "last") == 0


def test_two_states_that_take_turns_are_cut_though_a_third_was_there_before(bench: Bench) -> None:
    lines = (
        "  - {id: first, type: set, config: {at: 5}}\n"
        "  - {id: ping, type: set, config: {at: 1}, max_visits: 1000}\n"
        f"{OUT}  - {{id: pong, type: set, config: {{at: 2}}, next: ping}}\n"
    )
    state = driven(bench, lines)
    assert state.error["code"] == "oscillation"
    assert (visits(state, "ping"), visits(state, "pong")) == (2, 2)


def test_round_that_gets_on_is_never_cut_before_the_step_limit(bench: Bench) -> None:
    lines = (
        "  - {id: begin, type: set, config: {at: 0}}\n"
        '  - {id: on, type: set, config: {at: "${ at + 1 }"}, max_visits: 1000}\n'
        "  - {id: out, type: set, config: {seen: true}, if: at > 900, next: end}\n"
        "  - {id: back, type: set, config: {seen: true}, next: on}\n"
    )
    state = driven(bench, lines)
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "step_limit")
    assert 200 <= len(state.records) <= 203  # what is passed over counts, but is not cut
    assert state.values["at"] > 60


def test_counting_down_ends_by_itself(bench: Bench) -> None:
    lines = (
        "  - {id: begin, type: set, config: {at: 40}}\n"
        '  - {id: on, type: set, config: {at: "${ at - 1 }"}, max_visits: 1000}\n'
        "  - {id: done, type: set, config: {seen: true}, if: at <= 0, next: end}\n"
        "  - {id: back, type: set, config: {seen: false}, next: on}\n"
    )
    assert driven(bench, lines).status is RunStatus.COMPLETED


def test_every_step_of_the_circle_is_on_record(bench: Bench) -> None:
    bench.graph_ = load(HEAD + ring(3), kinds())
    run_id = new_run(bench.graph_)
    state = run_drive(run_id, bench)
    events = journal.events(run_id)
    assert fold(events) == state
    trail = [event.step_id for event in events if event.step_id]
    assert trail == ["turn", "out", "s1", "s2"] * 2 + ["s2"]


def test_period_is_the_shortest_that_came_round_twice() -> None:
    assert period_of([]) == 0
    assert period_of(["a"]) == 0
    assert period_of(["a", "a"]) == 1
    assert period_of(["x", "a", "b", "a", "b"]) == 2
    assert period_of(["a", "b", "a"]) == 0
    assert period_of([str(n) for n in range(LONGEST_PERIOD)] * 2) == LONGEST_PERIOD
    assert period_of([str(n) for n in range(LONGEST_PERIOD + 1)] * 2) == 0
