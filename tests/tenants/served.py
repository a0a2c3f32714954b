"""The web process itself, for what only a real server can be asked: raw requests, many at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.env import BASE_DIR

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and the rest of one answer, as bytes came."""

    status: int
    text: str


class Served:
    """The address of the server under test."""

    def __init__(self, port: int) -> None:
        self.port = port

    def raw(self, *lines: str) -> Answer:
        """Send these lines as they are, and return what comes until the server closes."""
        with socket.create_connection((LOOPBACK, self.port), timeout=20) as line:
            line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            received = b""
            while part := line.recv(65536):
                received += part
        return Answer(int(received[9:12]), received.decode("latin-1"))


@contextmanager
def web_served() -> Iterator[Served]:
    """Run granian as the stack does, on the suite's database."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "TEST_DATABASE": str(settings.DATABASES["default"]["NAME"]),
        "FRONTDESK_DB_ROLE": "app",
    }
    command = [
        str(Path(sys.executable).with_name("granian")),
        *["--interface=wsgi", "--no-ws", "--http=1", f"--host={LOOPBACK}", f"--port={port}"],
        *["--workers=1", "--blocking-threads=16", "--log-level=warning", "config.wsgi:application"],
    ]
    process = subprocess.Popen(command, cwd=BASE_DIR, env=environment)
    try:
        _listening_wait(port)
        yield Served(port)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listening_wait(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("The web process does not listen.")
