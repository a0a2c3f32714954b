"""A token is cancelled once, for everyone, and calls back exactly once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.resilience.cancellation import CancelToken, cancel_scope, current_token
from core.resilience.errors import Cancelled


def test_cancel_keeps_the_first_reason() -> None:
    token = CancelToken()
    token.check()
    token.cancel("visitor_left")
    token.cancel("again")
    assert token.is_cancelled
    with pytest.raises(Cancelled) as caught:
        token.check()
    assert caught.value.data == {"reason": "visitor_left"}
    assert not caught.value.retryable


def test_callbacks_run_once_however_many_cancel() -> None:
    token, calls = CancelToken(), []
    for number in range(20):
        token.on_cancel(lambda number=number: calls.append(number))  # type: ignore[misc]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: token.cancel(), range(8)))
    assert sorted(calls) == list(range(20))


def test_late_callback_runs_at_once() -> None:
    token, calls = CancelToken(), []
    token.cancel()
    token.on_cancel(lambda: calls.append("late"))
    assert calls == ["late"]


def test_detached_callback_never_runs() -> None:
    token, calls = CancelToken(), []
    token.on_cancel(lambda: calls.append("kept"))
    token.on_cancel(lambda: calls.append("detached"))()
    token.cancel()
    assert calls == ["kept"]


def test_failing_callback_does_not_keep_the_others_from_running() -> None:
    token = CancelToken()
    calls: list[str] = []
    token.on_cancel(lambda: calls.append(str(1 // 0)))
    token.on_cancel(lambda: calls.append("second"))
    token.cancel()
    assert calls == ["second"]


def test_detach_waits_for_a_callback_under_way() -> None:
    token, order = CancelToken(), []
    has_begun = threading.Event()

    def slow() -> None:
        has_begun.set()
        time.sleep(0.1)
        order.append("callback")

    detach = token.on_cancel(slow)
    canceller = threading.Thread(target=token.cancel)
    canceller.start()
    has_begun.wait()
    detach()
    order.append("detached")
    canceller.join()
    assert order == ["callback", "detached"]


def test_wait_ends_at_once_when_cancelled() -> None:
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    began = time.monotonic()
    assert token.wait(5.0)
    assert time.monotonic() - began < 1.0
    assert not CancelToken().wait(0.01)


def test_scope_gives_its_token_to_the_block_only() -> None:
    token = CancelToken()
    with cancel_scope(token):
        assert current_token() is token
    assert current_token() is not token


def test_nobody_can_cancel_what_has_no_token() -> None:
    current_token().cancel()
    assert not current_token().is_cancelled


def test_outer_cancellation_reaches_the_inner_scope_and_not_the_reverse() -> None:
    outer, first, second = CancelToken(), CancelToken(), CancelToken()
    with cancel_scope(outer):
        with cancel_scope(first):
            first.cancel("branch")
        assert not outer.is_cancelled
        with cancel_scope(second):
            outer.cancel("run")
            assert second.reason == "run"
    assert first.reason == "branch"


def test_scope_that_ended_is_no_longer_reached() -> None:
    outer, inner = CancelToken(), CancelToken()
    with cancel_scope(outer):
        with cancel_scope(inner):
            pass
        outer.cancel()
    assert not inner.is_cancelled
