"""Sagas: what was done is undone in reverse order, once each, and never given up in silence."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from core.tenancy import TenantContext
from tests.workflows.engine_steps import Bench, engine_bench, lease_lapse, new_run
from tests.workflows.engine_tools import Died, Shop, shop_open
from workflows import services, steps, versions
from workflows.engine import journal
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.engine.saga import RETRY_SECONDS
from workflows.engine.state import RunState
from workflows.errors import RunNotStuck
from workflows.models import Run
from workflows.stopping import runs_purge

pytestmark = pytest.mark.django_db(transaction=True)

SAGA = """\
name: saga
version: "1"
steps:
  - id: reserve
    type: tool
    tool: reserve
    config: {item: lamp}
    compensate: {tool: release, input: {item: "${ steps.reserve.item }"}}
  - id: charge
    type: tool
    tool: charge
    config: {item: lamp}
    compensate: {tool: refund, input: {item: lamp}}
  - {id: mail, type: tool, tool: mail, config: {item: lamp}}
"""
PARALLEL = """\
name: saga
version: "1"
steps:
  - id: reserve
    type: tool
    tool: reserve
    config: {item: lamp}
    compensate: {tool: release, input: {item: lamp}}
  - id: both
    type: parallel
    config:
      branches:
        money:
          - id: charge
            type: tool
            tool: charge
            config: {item: lamp}
            compensate: {tool: refund, input: {item: lamp}}
        post:
          - id: mail
            type: tool
            tool: mail
            config: {item: lamp}
            compensate: {tool: unmail, input: {item: lamp}}
  - {id: last, type: count, config: {fail: true}}
"""
DONE = ["reserve lamp", "charge lamp"]
UNDONE = ["refund lamp", "release lamp"]


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


@pytest.fixture
def saga(shop: Shop) -> Iterator[Bench]:
    with engine_bench(SAGA) as bench:
        yield bench


def driven(bench: Bench, run_id: UUID) -> RunState:
    """Drive a run to its end, through every wait for another attempt."""
    for _ in range(20):
        state = run_drive(run_id, bench)
        assert state is not None
        assert state == fold(journal.events(run_id))
        if not state.status.is_active:
            return state
        run_wake(run_id)
    raise AssertionError("the run does not end")


def run_wake(run_id: UUID) -> None:
    """Let the time pass that a run waits for."""
    run = Run.objects.get(pk=run_id)
    assert run.wake_at is not None
    time_machine.travel(max(run.wake_at, timezone.now()) + timedelta(milliseconds=1)).start()


@pytest.fixture(autouse=True)
def now_again() -> Iterator[None]:
    yield
    while time_machine.escape_hatch.is_travelling():
        time_machine.travel(0).stop()


def status_of(run_id: UUID) -> str:
    return Run.objects.get(pk=run_id).status


def test_saga_that_comes_through_undoes_nothing(saga: Bench, shop: Shop) -> None:
    run_id = new_run(saga.graph_)
    assert driven(saga, run_id).status is RunStatus.COMPLETED
    assert shop.done == [*DONE, "mail lamp"]


def test_saga_is_undone_in_reverse_with_what_the_step_gave(saga: Bench, shop: Shop) -> None:
    shop.fails["mail"] = 1
    run_id = new_run(saga.graph_)
    assert driven(saga, run_id).status is RunStatus.COMPENSATED
    assert shop.done == [*DONE, *UNDONE]
    assert saga.rescued == [run_id]
    assert Run.objects.get(pk=run_id).error_code == "tool_failed"


@pytest.mark.parametrize("dies_after", ["reserve", "charge", "mail", "refund", "release"])
def test_saga_acts_once_wherever_its_worker_dies(saga: Bench, shop: Shop, dies_after: str) -> None:
    shop.fails["mail"] = 0 if dies_after == "mail" else 1
    shop.dies_after = {dies_after}
    run_id = new_run(saga.graph_)
    with pytest.raises(Died):
        run_drive(run_id, saga)
    lease_lapse(run_id)
    state = driven(saga, run_id)
    if dies_after == "mail":
        assert state.status is RunStatus.COMPLETED
        assert shop.done == [*DONE, "mail lamp"]
    else:
        assert state.status is RunStatus.COMPENSATED
        assert shop.done == [*DONE, *UNDONE]
    assert shop.calls.count(dies_after) == 2  # in doubt, and so repeated under the same key


def test_compensation_that_fails_is_tried_again(saga: Bench, shop: Shop) -> None:
    shop.fails |= {"mail": 1, "refund": 2}
    run_id = new_run(saga.graph_)
    assert driven(saga, run_id).status is RunStatus.COMPENSATED
    assert shop.done == [*DONE, *UNDONE]
    assert shop.calls.count("refund") == 3


def test_compensation_that_keeps_failing_ends_with_a_person(saga: Bench, shop: Shop) -> None:
    shop.fails |= {"mail": 1, "refund": 1 + len(RETRY_SECONDS)}
    run_id = new_run(saga.graph_)
    assert driven(saga, run_id).status is RunStatus.STUCK
    assert saga.rescued == [run_id]
    assert shop.done == [*DONE, "release lamp"]  # the rest is undone all the same
    services.compensations_redrive(run_id=run_id)  # and a worker takes it up
    assert status_of(run_id) == "compensated"
    assert shop.done == [*DONE, "release lamp", "refund lamp"]


def test_redrive_is_for_stuck_runs(saga: Bench, shop: Shop) -> None:
    run_id = new_run(saga.graph_)
    driven(saga, run_id)
    with pytest.raises(RunNotStuck):
        services.compensations_redrive(run_id=run_id)


def test_parallel_group_is_undone_before_what_preceded_it(shop: Shop) -> None:
    with engine_bench(PARALLEL) as bench:
        run_id = new_run(bench.graph_)
        assert driven(bench, run_id).status is RunStatus.COMPENSATED
        assert sorted(shop.done[3:5]) == ["refund lamp", "unmail lamp"]
        assert shop.done[5:] == ["release lamp"]


def test_cancelled_run_is_undone_and_needs_nobody(saga: Bench, shop: Shop) -> None:
    run_id = new_run(saga.graph_)
    shop.dies_after = {"charge"}
    with pytest.raises(Died):
        run_drive(run_id, saga)
    services.run_cancel(run_id=run_id)
    lease_lapse(run_id)
    state = driven(saga, run_id)
    assert state.status is RunStatus.CANCELLED
    assert saga.rescued == []
    assert "mail lamp" not in shop.done


@pytest.mark.parametrize("moment", ["in a call", "in a call to be undone", "while it is undone"])
def test_purged_saga_is_stuck_and_can_be_undone_later(saga: Bench, shop: Shop, moment: str) -> None:
    versions.workflow_publish(source=SAGA, published_by=None)  # the purge reads its text
    saga.graph_ = versions.version_current(workflow="saga")
    run_id = new_run(saga.graph_)
    done = DONE
    if moment == "while it is undone":
        shop.fails = {"mail": 1, "refund": 1}
        run_drive(run_id, saga)
    else:
        dying = "mail" if moment == "in a call" else "charge"
        shop.dies_after = {dying}
        with pytest.raises(Died):
            run_drive(run_id, saga)
        done = [*DONE, "mail lamp"] if dying == "mail" else DONE
    assert runs_purge().ended == 1
    assert status_of(run_id) == "stuck"
    assert shop.done == done
    services.compensations_redrive(run_id=run_id)  # drives it too, as a worker would
    assert status_of(run_id) == "compensated"
    assert shop.done == [*done, *UNDONE]


def test_purged_run_whose_only_call_is_in_doubt_is_stuck(saga: Bench, shop: Shop) -> None:
    versions.workflow_publish(source=SAGA, published_by=None)
    saga.graph_ = versions.version_current(workflow="saga")
    shop.dies_after = {"reserve"}
    run_id = new_run(saga.graph_)
    with pytest.raises(Died):
        run_drive(run_id, saga)
    assert runs_purge().ended == 1
    assert status_of(run_id) == "stuck"
    undos = fold(journal.events(run_id)).undos
    assert [(undo.tool, undo.status) for undo in undos] == [("release", "abandoned")]
