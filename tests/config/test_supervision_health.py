"""Of processes that share a port each is asked for itself: who hangs is found beside the others."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from config.supervision import health
from config.supervision.records import ProcessRecord

Serve = Callable[..., ProcessRecord]
SERVER = """
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(port: int) -> Iterator[Serve]:
    """Return a function that starts one more process on the port and returns its record."""
    started: list[subprocess.Popen[bytes]] = []

    def start(status: int = 200) -> ProcessRecord:
        command = [sys.executable, "-c", SERVER, str(port), str(status)]
        process = subprocess.Popen(command, start_new_session=True)
        started.append(process)
        record = ProcessRecord.of("web", process.pid)
        until = time.monotonic() + 10
        while not _listens(record) and time.monotonic() < until:
            time.sleep(0.02)
        return record

    yield start
    for process in started:
        process.kill()
        process.wait()


def _listens(record: ProcessRecord) -> bool:
    process = record.process()
    return bool(process and process.net_connections(kind="tcp"))


def test_each_of_two_is_asked_for_itself(port: int, serve: Serve) -> None:
    well, ill = serve(200), serve(500)
    ask = health.answers_itself("127.0.0.1", port)
    assert [ask(well) for _ in range(5)] == [True] * 5
    assert [ask(ill) for _ in range(5)] == [False] * 5


def test_process_that_hangs_is_found_beside_one_that_answers(
    port: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.3)
    well, hanging = serve(200), serve(200)
    ask = health.answers_itself("127.0.0.1", port)
    assert ask(hanging)
    os.kill(hanging.pid, signal.SIGSTOP)
    assert not ask(hanging)
    assert ask(well)


def test_nobody_there_is_not_well(port: int) -> None:
    assert not health.answers_itself("127.0.0.1", port)(ProcessRecord("web", os.getpid(), 0.0))
