"""Leave alone what keeps failing: a circuit breaker per tenant and name, shared by all workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Final
from uuid import uuid4

import structlog
from redis import RedisError

from core import tenancy
from core.observability.metrics import (
    breaker_opened_total,
    breaker_rejections_total,
    breaker_state,
    tenant_label,
)
from core.resilience.circuit import (
    Admission,
    Circuit,
    LocalCircuits,
    Outcome,
    State,
    shared_enter,
    shared_leave,
)
from core.resilience.deadline import seconds_left
from core.resilience.errors import BreakerOpen, Cancelled, is_failure
from core.resilience.names import guard_label

PROBE_SECONDS: Final = 30.0
_GAUGE: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_local = LocalCircuits()
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was let through, and by whom."""

    circuit: Circuit
    name: str
    holder: str
    began: Admission
    is_shared: bool


@contextmanager
def breaker(
    name: str,
    *,
    failures: int = 5,
    reset_seconds: float = 30.0,
    counts: Callable[[BaseException], bool] = is_failure,
) -> Iterator[None]:
    """Make the block's call unless the calls of the current tenant to `name` keep failing.

    After `failures` in a row the circuit is open for `reset_seconds`, then one call of one worker
    is tried. `counts` tells which errors are failures (by default all but refusals of the request,
    which are answers like any other); a cancelled call says nothing either way. Raises BreakerOpen
    with `retry_after` in seconds, TenantContextMissing. Without Redis each process decides by
    itself.
    """
    call = _entered(name, failures, reset_seconds)
    try:
        yield
    except BaseException as error:
        _leave(call, _outcome(error, counts))
        raise
    _leave(call, Outcome.SUCCESS)


def _outcome(error: BaseException, counts: Callable[[BaseException], bool]) -> Outcome:
    """Not every BaseException is an answer: a worker that is told to stop has not heard one."""
    if isinstance(error, Cancelled) or not isinstance(error, Exception):
        return Outcome.NEITHER
    return Outcome.FAILURE if counts(error) else Outcome.SUCCESS


def _entered(name: str, failures: int, reset_seconds: float) -> _Call:
    key, holder = tenancy.tenant_key("breaker", name), uuid4().hex
    circuit = Circuit(key, failures, reset_seconds, _probe_seconds(reset_seconds))
    try:
        began, is_shared = shared_enter(circuit, holder), True
    except RedisError:
        began, is_shared = _local.enter(circuit, holder), False
    _show(name, began.state)
    if began.state is State.OPEN:
        breaker_rejections_total.labels(name=guard_label(name)).inc()
        raise BreakerOpen(retry_after=max(1, ceil(began.wait_seconds)))
    return _Call(circuit, name, holder, began, is_shared)


def _probe_seconds(reset_seconds: float) -> float:
    """How long a probe may stay silent: as long as its deadline leaves it."""
    left = seconds_left()
    return max(reset_seconds, PROBE_SECONDS if left is None else left + 1)


def _leave(call: _Call, outcome: Outcome) -> None:
    if outcome is Outcome.NEITHER and call.began.state is State.CLOSED:
        return
    ended = _told(call, outcome)
    _show(call.name, ended.state)
    # Only who opens it is told for how long; others learn that it is open.
    if ended.state is State.OPEN and ended.wait_seconds:
        breaker_opened_total.labels(name=guard_label(call.name)).inc()
        log.warning("breaker_opened", breaker=guard_label(call.name))


def _told(call: _Call, outcome: Outcome) -> Admission:
    if not call.is_shared:
        return _local.leave(call.circuit, call.holder, call.began.at, outcome)
    try:
        return shared_leave(call.circuit, call.holder, call.began.at, outcome)
    except RedisError:
        # Redis' clock is not ours, so a call that it admitted counts as having begun just now.
        return _local.leave(call.circuit, call.holder, _local.clock(), outcome)


def _show(name: str, state: State) -> None:
    breaker_state.labels(tenant=tenant_label(), name=guard_label(name)).set(_GAUGE[state])
