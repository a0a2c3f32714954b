"""A handler that is not ready yet is called again, by its process or by the relay."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.events import Later, StoredEvent, alarm, registry
from core.events.relay import relay_once
from core.tenancy import TenantContext
from tests.core.relaying import SUBSCRIBER, Recorder, deleted, mine, publish_in, relay_all

pytestmark = pytest.mark.django_db(transaction=True)

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def until() -> Until:
    """Return a function that waits until something is so."""

    def wait(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not is_so() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_so()

    return wait


@pytest.fixture
def hesitant(recorder: Recorder) -> list[float]:
    """Make the subscriber urgent, and say `Later` as often as there are seconds in the list."""
    waits: list[float] = []

    def handle(stored: StoredEvent) -> None:
        if waits:
            raise Later(waits.pop(0))
        recorder(stored)

    known = registry._subscribers[SUBSCRIBER]
    registry._subscribers[SUBSCRIBER] = replace(known, is_urgent=True, handler=handle)
    return waits


def test_handler_is_called_again_by_its_own_process(
    acme: TenantContext, recorder: Recorder, hesitant: list[float], until: Until
) -> None:
    hesitant += [0.2, 0.1]
    event = deleted()
    publish_in(acme, event)
    assert recorder.got == []
    until(lambda: mine()[0].state == "done")
    assert [got.event for got in recorder.got] == [event]
    assert (mine()[0].attempts, mine()[0].reason) == (1, "not yet")


def test_relay_calls_again_when_the_process_does_not(
    acme: TenantContext,
    recorder: Recorder,
    hesitant: list[float],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm, "LIMIT", 0)
    hesitant.append(0.5)
    publish_in(acme, deleted())
    assert relay_once(pool) == 0
    time.sleep(0.6)
    relay_all(pool)
    assert len(recorder.got) == 1
    assert (mine()[0].state, mine()[0].attempts) == ("done", 1)


def test_alarms_ring_in_their_order_whatever_one_raises(until: Until) -> None:
    rung: list[str] = []

    def fail() -> None:
        raise LookupError

    assert alarm.alarm_set(0.3, lambda: rung.append("late"))
    assert alarm.alarm_set(0.1, fail)
    assert alarm.alarm_set(0.2, lambda: rung.append("early"))
    until(lambda: rung == ["early", "late"])
