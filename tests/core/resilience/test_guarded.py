"""The guards stand in one order around a call."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from core.errors import ServiceUnavailable
from core.resilience.bulkhead import bulkhead
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope, seconds_left
from core.resilience.errors import BreakerOpen, BulkheadFull, Cancelled, DeadlineExceeded
from core.resilience.guarded import BreakerPolicy, BulkheadPolicy, GuardPolicy, guarded
from core.resilience.interruption import pause
from core.resilience.retry import RetryPolicy
from core.tenancy import TenantContext

RETRY = RetryPolicy(max=3, backoff=0.01)


class Call:
    """Fails so many times, each after `seconds`, and notes the time that it was given."""

    def __init__(self, failures: int = 0, seconds: float = 0.0) -> None:
        self.failures, self.seconds = failures, seconds
        self.given: list[float | None] = []

    def __call__(self) -> str:
        self.given.append(seconds_left())
        if self.seconds:
            pause(self.seconds)
        if len(self.given) <= self.failures:
            raise ServiceUnavailable()
        return "done"


def full(**changed: object) -> GuardPolicy:
    name = f"test-{uuid4().hex}"
    parts = {
        "deadline_seconds": 5.0,
        "bulkhead": BulkheadPolicy(name, limit=1),
        "breaker": BreakerPolicy(name, failures=2),
        "retry": RETRY,
        "timeout_seconds": 1.0,
    }
    return GuardPolicy(**{**parts, **changed})  # type: ignore[arg-type]


def test_call_without_guards_needs_no_workspace() -> None:
    assert guarded(lambda: 7, policy=GuardPolicy()) == 7


def test_call_passes_all_guards(in_acme: TenantContext) -> None:
    call = Call(failures=2)
    assert guarded(call, policy=full()) == "done"
    assert len(call.given) == 3


def test_breaker_counts_a_call_once_after_its_retries(in_acme: TenantContext) -> None:
    policy, call = full(), Call(failures=100)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            guarded(call, policy=policy)
    assert len(call.given) == 6
    with pytest.raises(BreakerOpen):
        guarded(call, policy=policy)
    assert len(call.given) == 6


def test_full_bulkhead_does_not_open_the_breaker(in_acme: TenantContext) -> None:
    policy = full()
    assert policy.bulkhead is not None
    with bulkhead(policy.bulkhead.name, 1):
        for _ in range(3):
            with pytest.raises(BulkheadFull):
                guarded(Call(), policy=policy)
    assert guarded(Call(), policy=policy) == "done"


def test_open_breaker_gives_the_place_back(in_acme: TenantContext) -> None:
    policy = full(retry=None)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            guarded(Call(failures=1), policy=policy)
    for _ in range(2):
        with pytest.raises(BreakerOpen):
            guarded(Call(), policy=policy)


def test_timeout_is_for_each_attempt_and_tried_again(in_acme: TenantContext) -> None:
    call = Call(seconds=30)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        guarded(call, policy=full(timeout_seconds=0.1))
    assert len(call.given) == 3
    assert 0.3 <= time.monotonic() - began < 1.0


def test_deadline_is_for_all_attempts(in_acme: TenantContext) -> None:
    call = Call(seconds=30)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        guarded(call, policy=full(deadline_seconds=0.25, timeout_seconds=0.1))
    assert 2 <= len(call.given) <= 3
    assert time.monotonic() - began < 0.6


def test_caller_with_less_time_is_obeyed(in_acme: TenantContext) -> None:
    call = Call()
    with deadline_scope(0.5):
        guarded(call, policy=full())
    assert call.given[0] is not None
    assert call.given[0] <= 0.5


def test_cancelled_work_is_not_begun(in_acme: TenantContext) -> None:
    token, call = CancelToken(), Call()
    token.cancel()
    with cancel_scope(token), pytest.raises(Cancelled):
        guarded(call, policy=full())
    assert call.given == []


def test_late_result_is_still_a_result() -> None:
    def slow() -> str:
        time.sleep(0.05)
        return "done"

    assert guarded(slow, policy=GuardPolicy(timeout_seconds=0.01)) == "done"
