"""Bulk runs give way to express runs on a busy machine, for a while, and to nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from core.redis import redis_client
from core.tasks import TENANT_HEADER
from core.tenancy import TenantContext
from workflows import dispatch, pacing, tasks
from workflows.pacing import ProcessorMeter, Ticks


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing.meter, "is_busy", lambda: True)


@pytest.fixture
def express(in_acme: TenantContext) -> Iterator[str]:
    """Release a run in the express lane; takes it out again at the end."""
    run_id = uuid4()
    [released] = dispatch.released_after("submit", in_acme.id, run_id)
    assert released.lane == dispatch.EXPRESS
    yield str(run_id)
    dispatch.released_after("finish", in_acme.id, run_id)


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    for key in redis_client().scan_iter(f"{dispatch.PREFIX}*"):
        redis_client().delete(key)


def test_waits_while_an_express_run_is_under_way(busy: None, express: str) -> None:
    assert pacing.give_way() >= pacing.LONGEST_SECONDS


def test_goes_on_when_the_express_run_is_over(
    busy: None, express: str, in_acme: TenantContext
) -> None:
    finish = threading.Timer(
        0.05, lambda: redis_client().delete(f"{dispatch.PREFIX}lane:{dispatch.EXPRESS}")
    )
    finish.start()
    assert 0.03 <= pacing.give_way() < pacing.LONGEST_SECONDS
    finish.join()


def test_waits_for_nobody(busy: None) -> None:
    assert pacing.give_way() < 0.05


def test_idle_machine_holds_nothing_back(express: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing.meter, "is_busy", lambda: False)
    assert pacing.give_way() == 0.0


def test_without_redis_nothing_waits(busy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis import Redis

    nowhere = Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    monkeypatch.setattr(dispatch, "redis_client", lambda: nowhere)
    began = time.monotonic()
    pacing.give_way()
    assert time.monotonic() - began < pacing.LONGEST_SECONDS * 20


def test_meter_tells_busy_from_idle() -> None:
    counted = iter([Ticks(0, 0), Ticks(10, 100), Ticks(90, 200)])
    meter = ProcessorMeter(lambda: next(counted), iter([1.0, 2.0, 2.01, 3.0]).__next__)
    assert [meter.is_busy() for _ in range(4)] == [False, True, True, False]


def test_meter_knows_nothing_without_counters() -> None:
    clock = iter(range(10, 20)).__next__
    assert not ProcessorMeter(lambda: None, clock).is_busy()


def test_counters_of_this_machine_are_read() -> None:
    found = pacing.ticks_read()
    assert found is None or 0 < found.idle < found.total


@pytest.mark.parametrize(("lane", "asks"), [("runs-bulk", True), ("runs", False)])
def test_bulk_lane_asks_before_each_step(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch, lane: str, asks: bool
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(
        "workflows.tasks.services.run_execute",
        lambda *, run_id, gives_way: seen.append(gives_way),
    )
    headers = {TENANT_HEADER: str(in_acme.id)}
    tasks.run.apply(kwargs={"run_id": str(uuid4())}, headers=headers, routing_key=lane)
    assert seen == [asks]
