"""The load monitor: patient on the way up and down, and nothing stays on when it is gone."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from prometheus_client import CollectorRegistry, Histogram

from core import tenancy
from core.observability.http import RequestMetricsMiddleware, wait_note
from core.observability.metrics import http_work_duration_seconds
from core.tenancy import TenantContext
from routing import outcomes
from tenants.switches import monitor as monitors
from tenants.switches import state
from tenants.switches.monitor import LOOKS_OFF, LOOKS_ON, Level, Monitor
from tenants.switches.signals import Signal, buckets_read, percentile, signals_all
from tenants.switches.types import Switch, SwitchSource


def signal(read: Any = lambda: 0.0) -> Signal:
    return Signal("test", Switch.ANALYTICS_OFF, on_at=10.0, off_at=2.0, read=read)


def test_level_rises_and_falls_only_after_several_readings() -> None:
    level = Level(signal())
    assert [level.step(value) for value in (11, 11, 1, 11, 11, 11)] == [False] * 5 + [True]
    assert [level.step(5) for _ in range(20)] == [True] * 20, "between the levels nothing changes"
    assert [level.step(1) for _ in range(LOOKS_OFF)] == [True] * (LOOKS_OFF - 1) + [False]


def test_level_takes_nothing_to_tell_for_calm() -> None:
    level = Level(signal())
    for _ in range(LOOKS_ON):
        level.step(100)
    assert [level.step(None) for _ in range(LOOKS_OFF)][-1] is False


@pytest.mark.django_db(transaction=True)
def test_monitor_turns_on_and_recovers_by_itself(
    switches: Any, acme: TenantContext, globex: TenantContext
) -> None:
    readings = [50.0] * LOOKS_ON + [0.0] * LOOKS_OFF
    monitor = Monitor([signal(lambda: readings.pop(0))])
    shown = []
    for _ in range(LOOKS_ON + LOOKS_OFF):
        monitor.look()
        with tenancy.tenant_scope(globex):
            shown.append(state.switch_is_on(Switch.ANALYTICS_OFF))
    assert shown == [False] * (LOOKS_ON - 1) + [True] * LOOKS_OFF + [False]
    (row,) = switches.switch_list()
    assert (row.source, row.reason) == (SwitchSource.AUTOMATIC, "test 50")
    assert row.ended_at is not None


@pytest.mark.django_db(transaction=True)
def test_switch_of_a_monitor_that_died_ends(
    switches: Any, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor([signal(lambda: 50.0)])
    for _ in range(LOOKS_ON):
        monitor.look()
    (row,) = switches.switch_list()
    assert row.expires_at - row.started_at <= monitors.LASTING * 1.1


def test_signals_of_this_installation_can_be_read(acme: TenantContext) -> None:
    names = {found.name for found in signals_all()}
    assert names >= {
        *(
            "outbox_lag",
            "ingest_depth",
            "slow_requests",
            "pool_waiting",
            "provider_failures",
            "run_backlog",
        )
    }
    for found in signals_all():
        assert found.off_at < found.on_at
        value = found.read()
        assert value is None or value >= 0


def test_percentile_is_the_bound_that_holds_most_requests() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("http_work_duration_seconds", "", buckets=(0.1, 1, 5), registry=registry)
    for number in range(100):
        histogram.observe(0.05 if number < 90 else 3.0)
    found = buckets_read(registry.collect())
    assert percentile(found, 0.95) == 5.0
    assert percentile(found, 0.5) == 0.1
    assert percentile({float("inf"): 3.0}, 0.95) is None


def test_failing_providers_are_seen_after_enough_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        outcomes, "_key", lambda minutes: f"fd:test:providers:{id(monkeypatch)}{minutes}"
    )
    for _ in range(outcomes.MIN_CALLS - 1):
        outcomes.outcome_count(has_failed=True)
    assert outcomes.failure_share() is None
    outcomes.outcome_count(has_failed=False)
    assert outcomes.failure_share() == pytest.approx(0.95)


def test_waiting_for_an_answer_is_no_sign_of_load() -> None:
    """The middleware times the work; what a view notes as waiting is not part of it."""
    before = http_work_duration_seconds._sum.get()

    def view(request: HttpRequest) -> HttpResponse:
        time.sleep(0.3)
        wait_note(request, 0.3)
        return HttpResponse()

    RequestMetricsMiddleware(view)(RequestFactory().get("/"))
    assert http_work_duration_seconds._sum.get() - before < 0.1
