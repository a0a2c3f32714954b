"""All guards around one call, in the one order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TypeVar

from core.resilience.breaker import breaker
from core.resilience.bulkhead import Place, bulkhead
from core.resilience.deadline import deadline_scope
from core.resilience.errors import is_failure, is_retryable
from core.resilience.interruption import interruption_check
from core.resilience.names import guard_label
from core.resilience.retry import RetryPolicy, retrying

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BulkheadPolicy:
    """At most `limit` at once; seconds. See `bulkhead`."""

    name: str
    limit: int
    wait_seconds: float = 0.0
    lease_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Open after `failures` in a row, for `reset_seconds`. See `breaker`."""

    name: str
    failures: int = 5
    reset_seconds: float = 30.0
    counts: Callable[[BaseException], bool] = is_failure


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What a call is guarded with; None leaves a guard out.

    `deadline_seconds` is for everything, waiting and pauses included; `timeout_seconds` for each
    attempt. `name` (from code) labels the retries' metric.
    """

    name: str = "call"
    deadline_seconds: float | None = None
    bulkhead: BulkheadPolicy | None = None
    breaker: BreakerPolicy | None = None
    retry: RetryPolicy | None = None
    timeout_seconds: float | None = None
    is_retryable: Callable[[Exception], bool] = is_retryable


def guarded(call: Callable[[], T], *, policy: GuardPolicy) -> T:
    """Return what `call` returns, made through deadline, bulkhead, breaker, retry and timeout.

    The breaker counts a call once, after its retries. Deadline and timeout end what lets itself be
    ended (`seconds_left`, `interruption_check`, `aborting`); a result that comes late all the same
    is returned, because what it reports has happened. Raises DeadlineExceeded, Cancelled,
    BulkheadFull, BreakerOpen and what `call` raises.
    """
    with ExitStack() as guards:
        guards.enter_context(deadline_scope(policy.deadline_seconds))
        interruption_check()
        if policy.bulkhead is not None:
            guards.enter_context(_bulkhead(policy.bulkhead))
        if policy.breaker is not None:
            guards.enter_context(_breaker(policy.breaker))
        return _attempts(call, policy)


def _bulkhead(policy: BulkheadPolicy) -> AbstractContextManager[Place]:
    return bulkhead(
        policy.name,
        policy.limit,
        wait_seconds=policy.wait_seconds,
        lease_seconds=policy.lease_seconds,
    )


def _breaker(policy: BreakerPolicy) -> AbstractContextManager[None]:
    return breaker(
        policy.name,
        failures=policy.failures,
        reset_seconds=policy.reset_seconds,
        counts=policy.counts,
    )


def _attempts(call: Callable[[], T], policy: GuardPolicy) -> T:
    def attempt() -> T:
        with deadline_scope(policy.timeout_seconds):
            return call()

    if policy.retry is None:
        return attempt()
    return retrying(policy.retry, attempt, policy.is_retryable, component=guard_label(policy.name))
