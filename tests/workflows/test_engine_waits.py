"""Runs that wait: as rows, woken by time, by an answer or by a decision, and by each only once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core.resilience.interruption import pause
from core.tenancy import TenantContext, tenant_scope
from tests.workflows.engine_steps import Bench, engine_bench, new_run
from workflows import selectors, services, steps
from workflows.engine import journal, waits
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.step import kinds
from workflows.engine.waits import WaitOver
from workflows.errors import WaitNotFound
from workflows.models import Run, Wait
from workflows.spec.loading import load

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = 'name: waits\nversion: "1"\n'
TIMER = HEAD + "steps: [{id: pause, type: wait, config: {for: 1h}}, {id: last, type: count}]"
APPROVAL = (
    HEAD
    + """\
steps:
  - {id: may, type: approval, config: {title: Refund it?, within: 2h}}
  - {id: yes, type: count, if: approved, next: end}
  - {id: no, type: count}
"""
)


@pytest.fixture
def bench(in_acme: TenantContext) -> Iterator[Bench]:
    steps.load()
    with engine_bench(HEAD + "steps: [{id: a, type: count}]") as bench:
        yield bench


def begun(bench: Bench, source: str) -> UUID:
    """Start a run and drive it to where it waits."""
    bench.graph_ = load(source, kinds())
    run_id = new_run(bench.graph_)
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.waits
    return run_id


def test_timer_is_a_row_that_holds_no_worker(bench: Bench) -> None:
    run_id = begun(bench, TIMER)
    run = Run.objects.get(pk=run_id)
    assert (run.status, run.lease_owner, bench.visits) == ("waiting", "", [])
    assert run.wake_at is not None
    assert timedelta(minutes=59) < run.wake_at - timezone.now() <= timedelta(hours=1)
    assert journal.lapsed(limit=10, grace_seconds=5) == []  # the sweep leaves it alone


def test_timer_that_is_over_goes_on_and_before_that_it_does_not(bench: Bench) -> None:
    run_id = begun(bench, TIMER)
    with time_machine.travel(timezone.now() + timedelta(minutes=50)):
        run_drive(run_id, bench)
        assert Run.objects.get(pk=run_id).status == "waiting"
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        state = run_drive(run_id, bench)
    assert state is not None
    assert (state.status, bench.visits) == (RunStatus.COMPLETED, ["last"])


@pytest.mark.parametrize(("approved", "visited"), [(True, "yes"), (False, "no")])
def test_decision_wakes_the_run(bench: Bench, approved: bool, visited: str) -> None:
    run_id = begun(bench, APPROVAL)
    asked = Wait.objects.get()
    assert asked.data["title"] == "Refund it?"
    waits.wait_answer(asked.pk, value={"approved": approved, "comment": "x"}, answered_by=None)
    assert [run.id for run in journal.lapsed(limit=10, grace_seconds=5)] == [
        run_id
    ]  # should the word be lost
    state = run_drive(run_id, bench)
    assert state is not None
    assert (state.status, bench.visits) == (RunStatus.COMPLETED, [visited])


def test_silence_is_no_consent(bench: Bench) -> None:
    run_id = begun(bench, APPROVAL)
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        state = run_drive(run_id, bench)
    assert state is not None
    assert state.outputs["may"]["approval"] == "expired"
    assert bench.visits == ["no"]
    with pytest.raises(WaitOver):
        waits.wait_answer(Wait.objects.get().pk, value={"approved": True}, answered_by=None)


def test_of_two_decisions_at_once_the_first_counts(bench: Bench) -> None:
    begun(bench, APPROVAL)
    asked = Wait.objects.get().pk

    def decide(approved: bool) -> bool:
        try:
            waits.wait_answer(asked, value={"approved": approved}, answered_by=None)
        except WaitOver:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        tried = [pool.submit(copy_context().run, decide, way) for way in (True, False)]
        assert sorted(each.result() for each in tried) == [False, True]


def test_decision_of_another_workspace_is_not_found(bench: Bench, globex: TenantContext) -> None:
    begun(bench, APPROVAL)
    asked = Wait.objects.get().pk
    with tenant_scope(globex), pytest.raises(WaitNotFound):
        services.approval_decide(wait_id=asked, approved=True, comment="", decided_by=None)
    assert Wait.objects.get().state == "open"


def test_answer_of_ten_megabytes_is_refused_and_the_question_stays(bench: Bench) -> None:
    begun(bench, APPROVAL)
    asked = Wait.objects.get().pk
    with pytest.raises(journal.PayloadRefused):
        waits.wait_answer(asked, value={"comment": "x" * 10_000_000}, answered_by=None)
    assert Wait.objects.get().state == "open"


def test_cancelled_run_takes_back_what_it_asked(bench: Bench) -> None:
    run_id = begun(bench, APPROVAL)
    assert journal.cancel_request(run_id, "requested")
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.CANCELLED
    assert Wait.objects.get().state == "cancelled"
    assert list(selectors.approval_list()) == []


def test_cancellation_reaches_a_running_step_within_two_seconds(bench: Bench) -> None:
    inside = threading.Event()

    def work() -> None:
        inside.set()
        pause(20)

    bench.during = {"a": work}
    run_id = new_run(bench.graph_)

    def drive() -> RunStatus | None:
        try:
            state = run_drive(run_id, bench)
            return state.status if state else None
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(copy_context().run, drive)
        assert inside.wait(10)
        began = time.monotonic()
        assert journal.cancel_request(run_id, "requested")
        assert going.result(timeout=10) is RunStatus.CANCELLED
    assert time.monotonic() - began < 2
