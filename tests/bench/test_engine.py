"""The engine's bench: what it drives is durable, and what it reports follows from its rounds."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench import engine
from bench.support import engine_steps
from bench.support.engine_driver import Callers
from bench.support.engine_frontdesk import run_through
from bench.support.engine_meter import processor_seconds
from bench.support.engine_systems import Round
from core.tenancy import TenantContext, tenant_scope
from workflows.engine.events import EventType
from workflows.engine.step import step_forget, step_get
from workflows.models import Run, RunEvent
from workflows.versions import version_current, workflow_publish


@pytest.fixture
def registered() -> Iterator[None]:
    engine_steps.register()
    yield
    step_forget(engine_steps.NoteStep.name)


@pytest.mark.django_db(transaction=True)
def test_run_through_records_each_of_the_five_steps_in_its_tenant_alone(
    registered: None, in_acme: TenantContext, globex: TenantContext
) -> None:
    workflow_publish(source=engine_steps.SOURCE, published_by=None)
    run_through(version_current(workflow=engine_steps.WORKFLOW))
    completed = RunEvent.objects.filter(type=EventType.STEP_COMPLETED).order_by("seq")
    assert tuple(completed.values_list("step_id", flat=True)) == engine_steps.NAMES
    assert Run.objects.get().status == "completed"
    with tenant_scope(globex):
        assert not Run.objects.exists()


def test_the_measured_step_may_not_ride_on_the_next_ones_commit(registered: None) -> None:
    assert not step_get(engine_steps.NoteStep.name).is_pure


def test_callers_prepare_once_and_call_until_they_have_had_enough() -> None:
    prepared: list[int] = []
    called: list[int] = []

    def prepare() -> Any:
        prepared.append(threading.get_ident())
        return lambda: called.append(threading.get_ident())

    callers = Callers(prepare)
    rounds = [callers.round(callers=2, seconds=60.0, most=3) for _ in range(2)]
    assert [len(found["times"]) for found in rounds] == [6, 6]
    assert set(called) == set(prepared)
    assert len(prepared) == len(set(prepared))


def test_callers_stop_when_the_time_is_up() -> None:
    found = Callers(lambda: lambda: time.sleep(0.01)).round(callers=1, seconds=0.05, most=10**9)
    assert 1 <= len(found["times"]) <= 5
    assert found["seconds"] >= 0.05


def test_callers_let_no_failed_call_pass() -> None:
    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        Callers(lambda: fail).round(callers=1, seconds=60.0, most=1)


def test_processor_seconds_are_those_of_the_process() -> None:
    before = time.process_time()
    found = processor_seconds([os.getpid()])
    assert before <= found <= time.process_time()


def taken(*, count: int, seconds: float = 1.0) -> Round:
    return Round([seconds / count] * count, seconds, written=count * 2048.0, processor=count / 500)


def test_figures_are_those_of_a_workflow() -> None:
    assert engine.figures([taken(count=n) for n in (100, 400, 200)], [taken(count=800)], 6.004) == {
        "wf_per_s_c1": 200.0,
        "p50_ms": 5.0,
        "wf_per_s_c8": 800.0,
        "wal_flushes": 6.0,
        "wal_kb": 2.0,
        "cpu_ms": 2.0,
    }


def test_ratio_is_to_the_better_peer_of_the_same_round() -> None:
    rounds = {
        "frontdesk": [taken(count=200), taken(count=100), taken(count=300)],
        "dbos": [taken(count=50), taken(count=100), taken(count=50)],
        "langgraph": [taken(count=100), taken(count=50), taken(count=50)],
    }
    assert engine.ratio(rounds) == 2.0


MET: dict[str, Any] = {
    "frontdesk": {"wf_per_s_c1": 200.0, "wal_flushes": 6.5, "wal_kb": 4.0, "cpu_ms": 2.5},
    "frontdesk_celery": {"wf_per_s_c1": 120.0},
    "ratio_c1": 2.5,
    "ratio_c8": 4.0,
}


def test_targets_are_met_on_their_bounds() -> None:
    assert all(target["met"] for target in engine.targets(MET).values())


@pytest.mark.parametrize(
    ("name", "value"),
    [("wf_per_s_c1", 199.9), ("wal_flushes", 6.51), ("wal_kb", 4.01), ("cpu_ms", 2.51)],
)
def test_targets_name_the_one_that_was_missed(name: str, value: float) -> None:
    found = engine.targets({**MET, "frontdesk": {**MET["frontdesk"], name: value}})
    assert [target for target, told in found.items() if not told["met"]] == [name]
