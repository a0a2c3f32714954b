"""A deadline holds for all that happens inside it, and only shrinks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from core.resilience.deadline import (
    deadline,
    deadline_check,
    deadline_scope,
    deadline_until,
    seconds_left,
    seconds_within,
)
from core.resilience.errors import DeadlineExceeded


def test_without_a_scope_there_is_no_deadline() -> None:
    assert deadline() is None
    assert seconds_left() is None
    assert seconds_within(7.0) == 7.0
    deadline_check()


def test_inner_scope_never_extends_the_outer_one() -> None:
    with deadline_scope(1.0):
        with deadline_scope(60.0):
            assert seconds_within(60.0) <= 1.0
        with deadline_scope(None):
            assert seconds_within(60.0) <= 1.0


def test_inner_scope_shortens_until_it_ends() -> None:
    with deadline_scope(60.0):
        with deadline_scope(1.0):
            assert seconds_within(60.0) <= 1.0
        assert seconds_within(60.0) > 50.0
    assert deadline() is None


def test_check_raises_once_the_time_is_over() -> None:
    with deadline_scope(0.02):
        deadline_check()
        time.sleep(0.03)
        with pytest.raises(DeadlineExceeded) as caught:
            deadline_check()
    assert seconds_left() is None
    assert (caught.value.code, caught.value.http_status, caught.value.retryable) == (
        "timeout",
        504,
        True,
    )


def test_moment_in_the_past_leaves_nothing() -> None:
    with deadline_until(time.monotonic() - 5):
        assert seconds_left() == 0.0


def test_thread_has_the_deadline_only_when_it_is_carried_over() -> None:
    with deadline_scope(5.0), ThreadPoolExecutor(1) as pool:
        assert pool.submit(deadline).result() is None
        assert pool.submit(copy_context().run, deadline).result() == deadline()
