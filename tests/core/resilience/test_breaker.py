"""A circuit on a real Redis: opens for all workers, lets one probe through, recovers."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from pytest_django import Settings

from core import tenancy
from core.errors import ServiceUnavailable, ValidationFailed
from core.observability.metrics import (
    breaker_opened_total,
    breaker_rejections_total,
    breaker_state,
)
from core.resilience import breaker as breaker_module
from core.resilience import shared
from core.resilience.breaker import breaker
from core.resilience.circuit import LocalCircuits
from core.resilience.errors import BreakerOpen, Cancelled, is_failure
from core.resilience.names import guard_name
from core.tenancy import TenantContext, TenantContextMissing
from tests.core.resilience.processes import line, worker
from tests.core.resilience.worker import at_once


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex}"


def call(
    name: str,
    error: BaseException | None = None,
    *,
    failures: int = 3,
    reset: float = 30.0,
    counts: Callable[[BaseException], bool] | None = None,
) -> bool:
    """Make a call that ends with `error`; returns whether it was let through."""
    try:
        with breaker(name, failures=failures, reset_seconds=reset, counts=counts or is_failure):
            if error is not None:
                raise error
    except BreakerOpen:
        return False
    except BaseException as raised:
        if raised is not error:
            raise
    return True


def fail(name: str, times: int, **options: float) -> None:
    for _ in range(times):
        assert call(name, ServiceUnavailable(), **options)  # type: ignore[arg-type]


def test_circuit_opens_after_failures_in_a_row(in_acme: TenantContext, name: str) -> None:
    fail(name, 3)
    with pytest.raises(BreakerOpen) as caught, breaker(name, failures=3, reset_seconds=30):
        pytest.fail("the call was made")
    assert caught.value.problem()["status"] == 503
    assert 29 <= caught.value.data["retry_after"] <= 30
    assert caught.value.retryable


def test_success_in_between_starts_the_count_anew(in_acme: TenantContext, name: str) -> None:
    fail(name, 2)
    assert call(name)
    fail(name, 2)
    assert call(name)


def test_success_of_the_probe_closes_the_circuit(in_acme: TenantContext, name: str) -> None:
    fail(name, 3, reset=0.1)
    assert not call(name)
    time.sleep(0.12)
    assert call(name)
    fail(name, 2)
    assert call(name)


def test_failure_of_the_probe_opens_it_for_another_while(in_acme: TenantContext, name: str) -> None:
    fail(name, 3, reset=0.1)
    time.sleep(0.12)
    fail(name, 1, reset=0.1)
    assert not call(name)
    time.sleep(0.12)
    assert call(name)


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt(), SystemExit()])
def test_call_that_was_broken_off_says_nothing(
    in_acme: TenantContext, name: str, error: BaseException
) -> None:
    for _ in range(4):
        assert call(name, error)
    fail(name, 3, reset=0.1)
    time.sleep(0.12)
    assert call(name, error)
    fail(name, 1, reset=0.1)
    assert not call(name)


def test_refusal_is_an_answer(in_acme: TenantContext, name: str) -> None:
    for _ in range(4):
        assert call(name, ValidationFailed())
    fail(name, 3, reset=0.1)
    time.sleep(0.12)
    assert call(name, ValidationFailed())
    assert call(name)
    assert call(name)


def test_caller_says_what_counts(in_acme: TenantContext, name: str) -> None:
    for _ in range(4):
        assert call(name, ServiceUnavailable(), counts=lambda error: False)
    for _ in range(3):
        assert call(name, ValidationFailed(), counts=lambda error: True)
    assert not call(name)


def test_one_probe_is_made_by_all_threads(in_acme: TenantContext, name: str) -> None:
    fail(name, 1, failures=1, reset=0.1)
    time.sleep(0.12)

    def probe() -> bool:
        try:
            with breaker(name, failures=1, reset_seconds=0.1):
                time.sleep(0.5)
        except BreakerOpen:
            return False
        return True

    assert at_once(probe) == 1


def test_one_probe_is_made_by_two_processes(in_acme: TenantContext, name: str) -> None:
    fail(name, 1, failures=1, reset=0.1)
    with worker("probe", name, "30") as one, worker("probe", name, "30") as other:
        processes = (one, other)
        assert [line(process) for process in processes] == ["ready", "ready"]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert sorted(line(process) for process in processes) == ["0", "1"]
    assert call(name)


def test_probe_that_is_never_heard_of_lapses(in_acme: TenantContext, name: str) -> None:
    """Its worker was killed: the next one may try when the probe's time, 30 seconds, is over."""
    fail(name, 1, failures=1, reset=0.1)
    time.sleep(0.12)
    silent = breaker(name, failures=1, reset_seconds=0.1)
    silent.__enter__()
    assert not call(name)
    key = tenancy.tenant_key("breaker", name)
    lapses_at = float(shared.client().hget(key, "probe_until") or 0)
    assert 29 < lapses_at - time.time() <= 30
    shared.client().hset(key, "probe_until", str(lapses_at - 30))
    assert call(name)


def test_open_circuit_is_remembered_longer_than_it_is_open(
    in_acme: TenantContext, name: str
) -> None:
    fail(name, 3, reset=1000)
    assert shared.client().ttl(tenancy.tenant_key("breaker", name)) > 1000


def test_workspaces_have_circuits_of_their_own(
    acme: TenantContext, globex: TenantContext, name: str
) -> None:
    with tenancy.tenant_scope(acme):
        fail(name, 3)
        assert not call(name)
    with tenancy.tenant_scope(globex):
        assert call(name)


def test_breaker_needs_a_workspace(name: str) -> None:
    with pytest.raises(TenantContextMissing):
        call(name)


@pytest.fixture
def alone(redis_gone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "_local", LocalCircuits())


def test_without_redis_the_process_decides_alone(
    in_acme: TenantContext, name: str, alone: None
) -> None:
    fail(name, 3, reset=0.1)
    assert not call(name)
    time.sleep(0.12)
    assert call(name)
    assert call(name)


def test_redis_that_goes_during_a_call_loses_no_failure(
    in_acme: TenantContext, name: str, settings: Settings
) -> None:
    there = settings.REDIS_URL

    def move(url: str) -> None:
        settings.REDIS_URL = url
        shared.forget()

    def lose_redis_and_fail() -> None:
        with breaker(name, failures=3):
            move("redis://127.0.0.1:1/0")
            raise ServiceUnavailable()

    for _ in range(3):
        move(there)
        with pytest.raises(ServiceUnavailable):
            lose_redis_and_fail()
    assert not call(name)


def test_metrics_show_state_and_refusals_by_names_from_code(in_acme: TenantContext) -> None:
    name = guard_name(f"test.{uuid4().hex}")

    def seen() -> tuple[float, float, float]:
        return (
            breaker_state.labels(tenant="acme", name=name)._value.get(),
            breaker_opened_total.labels(name=name)._value.get(),
            breaker_rejections_total.labels(name=name)._value.get(),
        )

    assert call(name)
    assert seen() == (0, 0, 0)
    fail(name, 3)
    assert seen() == (2, 1, 0)
    assert not call(name)
    assert not call(name)
    assert seen() == (2, 1, 2)


def test_names_of_workspaces_share_one_label(in_acme: TenantContext, name: str) -> None:
    fail(name, 3)
    assert breaker_state.labels(tenant="acme", name="own")._value.get() == 2
    labels = {
        sample.labels["name"] for metric in breaker_state.collect() for sample in metric.samples
    }
    assert name not in labels
