"""What surrounds a step: attempts, time, budgets, catches, places and breakers."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from core.resilience.interruption import pause
from core.tenancy import TenantContext
from tests.workflows.engine_steps import BENCH, Bench, engine_bench, new_run
from tests.workflows.engine_tools import Shop, shop_open
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.state import RunState
from workflows.engine.step import (
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    StepOutput,
    kinds,
    step,
    step_forget,
)
from workflows.models import Run
from workflows.spec.errors import SpecError
from workflows.spec.kinds import StepConfig
from workflows.spec.loading import load

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = 'name: policies\nversion: "1"\n'


class SpendOutput(StepOutput):
    number: int


class SpendStep(Step[StepConfig, SpendOutput]):
    """Costs ten tokens and ten millionths each time."""

    name = "spend"
    config = StepConfig
    output = SpendOutput

    def run(self, config: StepConfig, context: StepContext) -> StepOutcome[SpendOutput]:
        BENCH.visits.append(context.step_id)
        return StepOutcome(SpendOutput(number=1), cost_micro=10, currency="USD", tokens=10)


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    step(SpendStep)
    with shop_open() as shop:
        yield shop
    step_forget(SpendStep.name)


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    with engine_bench(HEAD + "steps: [{id: a, type: count}]") as bench:
        yield bench


def driven(bench: Bench, text: str) -> RunState:
    bench.graph_ = load(HEAD + text, kinds())
    state = run_drive(new_run(bench.graph_), bench)
    assert state is not None
    return state


def raising(times: int, error: Callable[[], Exception]) -> Callable[[], None]:
    """Fail so many times, and then no more."""
    left = [times]

    def act() -> None:
        if left[0]:
            left[0] -= 1
            raise error()

    return act


RETRIED = """\
steps:
  - {id: a, type: count, retry: {on: [%s], max: 3, backoff: 1ms, jitter: 0}}
  - {id: b, type: count}
"""


def test_step_is_tried_again_as_often_as_it_may(bench: Bench) -> None:
    bench.during = {"a": raising(2, lambda: TimeoutError("slow"))}
    state = driven(bench, RETRIED % "timeout")
    assert state.status is RunStatus.COMPLETED
    assert bench.visits == ["a", "a", "a", "b"]


def test_step_that_used_up_its_attempts_fails(bench: Bench) -> None:
    bench.during = {"a": raising(3, lambda: TimeoutError("slow"))}
    state = driven(bench, RETRIED % "timeout")
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "timeout")
    assert bench.visits == ["a", "a", "a"]


def test_other_errors_are_not_tried_again(bench: Bench) -> None:
    bench.during = {"a": raising(1, lambda: StepFailed("no"))}
    assert driven(bench, RETRIED % "timeout").status is RunStatus.FAILED
    assert bench.visits == ["a"]


def test_longer_pause_between_attempts_is_a_row_not_a_worker(bench: Bench) -> None:
    bench.during = {"a": raising(1, lambda: TimeoutError("slow"))}
    state = driven(bench, (RETRIED % "any").replace("1ms", "30s"))
    assert state.status is RunStatus.RUNNING
    run = Run.objects.get()
    assert (run.status, run.lease_owner) == ("waiting", "")
    assert run.wake_at is not None
    assert timedelta(seconds=25) < run.wake_at - timezone.now() <= timedelta(seconds=30)


def test_step_is_broken_off_at_its_timeout(bench: Bench) -> None:
    bench.during = {"a": lambda: pause(20)}
    began = time.monotonic()
    state = driven(bench, "steps: [{id: a, type: count, timeout: 100ms}]")
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "timeout")
    assert time.monotonic() - began < 2


CAUGHT = """\
steps:
  - id: a
    type: count
    catch: [{on: step_failed, next: sorry}, {on: any, next: other}]
    next: end
  - {id: sorry, type: count, if: error.code == 'step_failed', next: end}
  - {id: other, type: count, next: end}
"""


@pytest.mark.parametrize(
    ("error", "caught_by"), [(StepFailed("no"), "sorry"), (KeyError("mistake"), "other")]
)
def test_failure_is_caught_by_the_first_that_speaks_of_it(
    bench: Bench, error: Exception, caught_by: str
) -> None:
    bench.during = {"a": raising(1, lambda: error)}
    state = driven(bench, CAUGHT)
    assert state.status is RunStatus.COMPLETED
    assert bench.visits == ["a", caught_by]


def test_step_is_not_entered_more_often_than_it_may(bench: Bench) -> None:
    text = (
        "steps:\n  - {id: a, type: count, max_visits: 3}\n"
        "  - {id: b, type: count, if: number > 100, next: end}\n  - {id: c, type: count, next: a}\n"
    )
    state = driven(bench, text)
    assert state.error["code"] == "visits_exhausted"
    assert bench.visits == ["a", "c"] * 3


@pytest.mark.parametrize("budget", ["{cost: 0.00002}", "{tokens: 20}"])
def test_run_ends_when_its_budget_is_spent(bench: Bench, budget: str) -> None:
    lines = "".join(f"  - {{id: s{n}, type: spend}}\n" for n in range(4))
    state = driven(bench, f"budget: {budget}\nsteps:\n{lines}")
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "budget_exceeded")
    assert bench.visits == ["s0", "s1"]


def test_run_ends_when_its_time_is_spent(bench: Bench) -> None:
    bench.during = {"a": lambda: time.sleep(0.06)}
    text = "budget: {wall_ms: 50}\nsteps: [{id: a, type: count}, {id: b, type: count}]"
    state = driven(bench, text)
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "budget_exceeded")
    assert bench.visits == ["a"]


def test_no_more_steps_of_a_name_go_on_at_once_than_its_bulkhead_holds(bench: Bench) -> None:
    bench.graph_ = load(
        HEAD + "steps: [{id: a, type: count, bulkhead: {name: narrow, limit: 1}}]", kinds()
    )
    inside, over = threading.Event(), threading.Event()

    def stay() -> None:
        inside.set()
        assert over.wait(10)

    bench.during = {"a": stay}
    first, second = new_run(bench.graph_), new_run(bench.graph_)

    def drive(run_id: UUID) -> RunState | None:
        try:
            return run_drive(run_id, bench)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(copy_context().run, drive, first)
        assert inside.wait(10)
        refused = run_drive(second, bench)
        over.set()
        done = going.result()
    assert refused is not None
    assert refused.error["code"] == "bulkhead_full"
    assert done is not None
    assert done.status is RunStatus.COMPLETED


def test_breaker_leaves_alone_what_keeps_failing(bench: Bench) -> None:
    bench.during = {"a": raising(9, lambda: TimeoutError("slow"))}
    text = (
        "steps: [{id: a, type: count, breaker: {name: shaky, failures: 2, reset: 30s},"
        " retry: {on: [any], max: 5, backoff: 1ms, jitter: 0}}]"
    )
    state = driven(bench, text)
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "breaker_open")
    assert bench.visits == ["a", "a"]


# --- bad input


def test_tool_that_breaks_its_promise_fails_its_step(bench: Bench) -> None:
    state = driven(bench, "steps: [{id: a, type: tool, tool: liar}]")
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "tool_output_invalid")
    assert "$.count" in state.error["detail"]


def test_value_too_large_to_store_fails_its_step(bench: Bench) -> None:
    text = 'steps: [{id: a, type: set, config: {big: "${ input.text + input.text }"}}]'
    bench.graph_ = load(HEAD + text, kinds())
    large = "x" * (journal.MAX_PAYLOAD_BYTES - 1000)
    state = run_drive(new_run(bench.graph_, text=large), bench)
    assert state is not None
    assert (state.status, state.error["code"]) == (RunStatus.FAILED, "payload_refused")


def test_input_of_ten_megabytes_starts_no_run(bench: Bench) -> None:
    with pytest.raises(journal.PayloadRefused, match="limit"):
        new_run(bench.graph_, text="x" * 10_000_000)
    assert not Run.objects.exists()


def test_division_by_zero_at_run_time_can_be_caught(bench: Bench) -> None:
    text = (
        "steps:\n  - {id: a, type: set, config: {n: 0}}\n"
        "  - {id: b, type: count, if: 1 / n > 0, catch: [{on: condition_failed, next: c}]}\n"
        "  - {id: c, type: count}\n"
    )
    state = driven(bench, text)
    assert state.status is RunStatus.COMPLETED
    assert bench.visits == ["c"]


def test_definition_of_five_thousand_steps_is_refused_at_the_first_too_many(bench: Bench) -> None:
    text = HEAD + "steps:\n" + "".join(f"- {{id: s{n},type: count}}\n" for n in range(5_000))
    with pytest.raises(SpecError, match="504:8: A workflow has at most 500 steps"):
        load(text, kinds())
