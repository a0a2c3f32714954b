"""Work that blocks is broken off at its deadline or when it is cancelled, within moments."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from core.resilience.errors import Cancelled, DeadlineExceeded
from core.resilience.interruption import aborting, interruption_check, pause

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def silent() -> Iterator[Pair]:
    """Return two ends of a connection on which nothing is said."""
    pair = socket.socketpair()
    yield pair
    for end in pair:
        end.close()


def read(end: socket.socket) -> bytes:
    with aborting(lambda: end.shutdown(socket.SHUT_RDWR)):
        return end.recv(1)


def test_blocking_read_ends_when_cancelled(silent: Pair) -> None:
    token = CancelToken()
    threading.Timer(0.1, token.cancel, ["gone"]).start()
    began = time.monotonic()
    with cancel_scope(token), pytest.raises(Cancelled):
        read(silent[0])
    assert time.monotonic() - began < 0.3


def test_blocking_read_ends_at_the_deadline(silent: Pair) -> None:
    began = time.monotonic()
    with deadline_scope(0.1), pytest.raises(DeadlineExceeded):
        read(silent[0])
    assert 0.1 <= time.monotonic() - began < 0.3


def test_error_of_the_work_itself_passes(silent: Pair) -> None:
    guards = (deadline_scope(5), cancel_scope(CancelToken()))
    with guards[0], guards[1], pytest.raises(OSError, match="own"), aborting(lambda: None):
        raise OSError("its own")


def test_work_that_ended_is_not_aborted_afterwards() -> None:
    calls: list[str] = []
    token = CancelToken()
    with cancel_scope(token), deadline_scope(0.05):
        with aborting(lambda: calls.append("aborted")):
            pass
        token.cancel()
        time.sleep(0.1)
    assert calls == []


def test_abort_happens_once_for_both_reasons() -> None:
    calls: list[str] = []
    token = CancelToken()

    def outlast_the_deadline_and_cancel() -> None:
        with deadline_scope(0.05), aborting(lambda: calls.append("aborted")):
            time.sleep(0.1)
            token.cancel()

    with cancel_scope(token), pytest.raises(Cancelled):
        outlast_the_deadline_and_cancel()
    assert calls == ["aborted"]


def test_work_is_not_begun_without_a_reason() -> None:
    token = CancelToken()
    token.cancel()
    with cancel_scope(token), pytest.raises(Cancelled), aborting(lambda: None):
        pytest.fail("the work was begun")


def test_nearer_deadline_is_kept_while_a_later_one_is_waited_for(silent: Pair) -> None:
    """The watchdog sleeps until the first moment it knows, and has to be woken for an earlier."""
    with deadline_scope(30), aborting(lambda: None):
        began = time.monotonic()
        with deadline_scope(0.1), pytest.raises(DeadlineExceeded):
            read(silent[0])
        assert time.monotonic() - began < 0.3


def test_deadline_is_kept_in_a_forked_child(silent: Pair) -> None:
    """Threads do not survive a fork, and ingest workers are forked."""
    with deadline_scope(0.01), pytest.raises(DeadlineExceeded):
        read(silent[0])
    child = os.fork()
    if child == 0:
        signal.alarm(5)  # rather than to hang, with the suite's pipes in its hands
        left, _right = socket.socketpair()
        status = 1
        try:
            with deadline_scope(0.1):
                read(left)
        except DeadlineExceeded:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_pause_ends_when_cancelled_or_at_the_deadline() -> None:
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    began = time.monotonic()
    with cancel_scope(token), pytest.raises(Cancelled):
        pause(5.0)
    with deadline_scope(0.05), pytest.raises(DeadlineExceeded):
        pause(5.0)
    assert time.monotonic() - began < 1.0
    pause(0.01)
    interruption_check()
