"""Try again, later each time and never in step with others.

Exponential back-off with jitter as in "Exponential Backoff And Jitter" (Brooker, AWS Architecture
Blog, 2015): jitter 1 is its "full jitter", 0.5 its "equal jitter". Written here rather than taken
from a library because a pause has to end with the deadline and with a cancellation, and because the
workflow engine needs the pure delay: its pauses are rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core.errors import DomainError
from core.observability.metrics import retry_total
from core.resilience.deadline import seconds_left
from core.resilience.errors import Cancelled, is_retryable
from core.resilience.interruption import interruption_check, pause

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max` attempts in all; pauses in seconds, from `backoff` up to `max_backoff`.

    `jitter` is the share of a pause, 0 to 1, that is left to chance.
    """

    max: int = 3
    backoff: float = 0.5
    factor: float = 2.0
    max_backoff: float = 30.0
    jitter: float = 0.5

    def delay(self, attempt: int, random: float) -> float:
        """Return the pause after a failed attempt, see `delay_for`."""
        return delay_for(
            attempt,
            backoff=self.backoff,
            factor=self.factor,
            max_backoff=self.max_backoff,
            jitter=self.jitter,
            random=random,
        )


def delay_for(
    attempt: int,
    *,
    backoff: float,
    factor: float,
    max_backoff: float,
    jitter: float,
    random: float,
) -> float:
    """Return the seconds to pause after failed attempt number `attempt` (1, 2, ...).

    Pure: `random` is drawn by the caller, from 0 to 1. The pause is between (1 - jitter) times and
    once `backoff * factor ** (attempt - 1)`, which is cut at `max_backoff` first.
    """
    try:
        longest = min(max_backoff, backoff * factor ** (attempt - 1))
    except OverflowError:
        longest = max_backoff
    return longest * (1 - jitter * random)


def retrying(
    policy: RetryPolicy,
    call: Callable[[], T],
    is_retryable: Callable[[Exception], bool] = is_retryable,
    *,
    component: str = "call",
) -> T:
    """Return what `call` returns, trying again after errors that are worth it.

    A `retry_after` that an error carries is waited for. An error is raised on at once when it was
    the last attempt's, is not retryable, or when the pause would end after the deadline. Raises
    Cancelled and DeadlineExceeded before an attempt and in a pause. `component` (a name from code)
    labels the metric.
    """
    attempt = 1
    while True:
        interruption_check()
        try:
            return call()
        except Cancelled:
            raise
        except Exception as error:
            if attempt >= policy.max or not is_retryable(error):
                raise
            delay = max(policy.delay(attempt, random.random()), _asked_for(error))  # noqa: S311 - spreads load
            left = seconds_left()
            if left is not None and delay >= left:
                raise
        retry_total.labels(component=component).inc()
        pause(delay)
        attempt += 1


def _asked_for(error: Exception) -> float:
    """Return the seconds that the error asks to be left alone for."""
    asked = error.data.get("retry_after", 0) if isinstance(error, DomainError) else 0
    return float(asked)
