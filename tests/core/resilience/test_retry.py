"""Attempts are repeated with growing, spread pauses that end with the deadline."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ServiceUnavailable, ValidationFailed
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from core.resilience.errors import Cancelled
from core.resilience.retry import RetryPolicy, delay_for, retrying

QUICK = RetryPolicy(max=3, backoff=0.01, jitter=0.0)


class Flaky:
    """Fails with the errors given, one a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def delays(jitter: float, random: float) -> list[float]:
    policy = RetryPolicy(max=6, backoff=1.0, factor=2.0, max_backoff=10.0, jitter=jitter)
    return [policy.delay(attempt, random) for attempt in range(1, 7)]


def test_delays_double_up_to_the_longest() -> None:
    assert delays(jitter=0.0, random=0.7) == [1, 2, 4, 8, 10, 10]


def test_jitter_takes_its_share_off() -> None:
    assert delays(jitter=0.5, random=1.0) == [0.5, 1, 2, 4, 5, 5]
    assert delays(jitter=1.0, random=0.0) == delays(jitter=0.0, random=0.0)


@given(
    st.integers(1, 100_000),
    st.floats(0, 100),
    st.floats(1, 100),
    st.floats(0, 600),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_delay_is_never_negative_nor_longer_than_the_longest(
    attempt: int, backoff: float, factor: float, longest: float, jitter: float, random: float
) -> None:
    delay = delay_for(
        attempt,
        backoff=backoff,
        factor=factor,
        max_backoff=longest,
        jitter=jitter,
        random=random,
    )
    assert 0 <= delay <= longest


def test_call_is_repeated_until_it_succeeds() -> None:
    call = Flaky(ServiceUnavailable(), ConnectionError())
    assert retrying(QUICK, call) == "done"
    assert call.calls == 3


def test_last_error_is_raised() -> None:
    call = Flaky(*(ServiceUnavailable(str(number)) for number in range(5)))
    with pytest.raises(ServiceUnavailable, match="2"):
        retrying(QUICK, call)
    assert call.calls == 3


@pytest.mark.parametrize("error", [ValidationFailed(), ValueError(), Cancelled()])
def test_error_that_would_come_again_is_not_repeated(error: Exception) -> None:
    call = Flaky(error)
    with pytest.raises(type(error)):
        retrying(QUICK, call)
    assert call.calls == 1


def test_caller_decides_what_is_worth_repeating() -> None:
    call = Flaky(ValueError())
    assert retrying(QUICK, call, lambda error: isinstance(error, ValueError)) == "done"


def test_pause_that_would_outlast_the_deadline_is_not_begun() -> None:
    call = Flaky(ServiceUnavailable("first"), ServiceUnavailable("second"))
    began = time.monotonic()
    with deadline_scope(1.0), pytest.raises(ServiceUnavailable, match="first"):
        retrying(RetryPolicy(backoff=5.0, jitter=0.0), call)
    assert time.monotonic() - began < 0.5


def test_pause_is_as_long_as_the_error_asks_for() -> None:
    call = Flaky(ServiceUnavailable(retry_after=0.2))
    began = time.monotonic()
    assert retrying(QUICK, call) == "done"
    assert time.monotonic() - began >= 0.2


def test_cancellation_ends_a_pause() -> None:
    token, call = CancelToken(), Flaky(ServiceUnavailable())
    threading.Timer(0.05, token.cancel).start()
    began = time.monotonic()
    with cancel_scope(token), pytest.raises(Cancelled):
        retrying(RetryPolicy(backoff=5.0), call)
    assert call.calls == 1
    assert time.monotonic() - began < 1.0
