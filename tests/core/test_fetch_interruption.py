"""A fetch ends with its caller's deadline or cancellation, and the server notices at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from core import fetch
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from core.resilience.errors import Cancelled, DeadlineExceeded
from tests.core.resilience.servers import Manner, SlowServer, deaf_port, slow_server

SOON = 0.2  # seconds from the cancellation to the end


@pytest.fixture(autouse=True)
def _local_is_allowed(settings: Settings) -> None:
    settings.FETCH_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1", "silent.example.com"]


def address(server: SlowServer) -> str:
    scheme = "https" if server.manner is Manner.NO_HANDSHAKE else "http"
    return f"{scheme}://127.0.0.1:{server.port}/"


def ended(url: str, error: type[Exception]) -> float:
    """Fetch, and return when it had ended with the error."""
    with pytest.raises(error):
        fetch.fetch(url)
    return time.monotonic()


def cancelled_when(is_time: Callable[[], object], token: CancelToken) -> dict[str, float]:
    """Cancel from a thread of its own, a moment after the time has come; says when it did."""
    noted: dict[str, float] = {}

    def cancel() -> None:
        is_time()
        time.sleep(0.1)
        noted["at"] = time.monotonic()
        token.cancel()

    threading.Thread(target=cancel, daemon=True).start()
    return noted


@pytest.mark.parametrize("manner", list(Manner))
def test_cancellation_shuts_the_connection_down(manner: Manner) -> None:
    token = CancelToken()
    with slow_server(manner) as server, cancel_scope(token):
        noted = cancelled_when(server.heard.wait, token)
        ended_at = ended(address(server), Cancelled)
        assert server.gone.wait(5)
    assert 0 <= ended_at - noted["at"] < SOON
    assert server.gone_at - noted["at"] < SOON


@pytest.mark.parametrize("manner", list(Manner))
def test_callers_deadline_ends_the_fetch(manner: Manner) -> None:
    began = time.monotonic()
    with slow_server(manner) as server, deadline_scope(0.4):
        ended_at = ended(address(server), DeadlineExceeded)
        assert server.gone.wait(5)
    assert 0.4 <= ended_at - began < 0.4 + SOON
    assert server.gone_at - began < 0.4 + SOON


@pytest.mark.parametrize("manner", list(Manner))
def test_own_deadline_is_a_failed_fetch(manner: Manner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when every single byte comes in time: headers that never end, for example."""
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", 0.4)
    began = time.monotonic()
    with slow_server(manner) as server:
        assert ended(address(server), fetch.FetchFailed) - began < 0.4 + SOON


def test_connecting_is_cancelled() -> None:
    token = CancelToken()
    with deaf_port() as port, cancel_scope(token):
        noted = cancelled_when(lambda: None, token)
        assert ended(f"http://127.0.0.1:{port}/", Cancelled) - noted["at"] < SOON


def test_look_up_of_the_name_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over, token = threading.Event(), CancelToken()

    def never(*_: Any, **__: Any) -> Any:
        is_over.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with cancel_scope(token):
        noted = cancelled_when(lambda: None, token)
        assert ended("http://silent.example.com/", Cancelled) - noted["at"] < SOON
    is_over.set()


def test_cut_body_is_not_taken_for_a_complete_one() -> None:
    """An answer without a length ends where the connection ends, here by our own hand."""
    token = CancelToken()
    with slow_server(Manner.SILENT_BODY) as server, cancel_scope(token):
        cancelled_when(server.heard.wait, token)
        ended(address(server), Cancelled)


def test_fetch_is_not_begun_when_nobody_wants_it() -> None:
    token = CancelToken()
    token.cancel()
    with slow_server(Manner.NO_ANSWER) as server, cancel_scope(token):
        ended(address(server), Cancelled)
        assert not server.heard.wait(0.1)
