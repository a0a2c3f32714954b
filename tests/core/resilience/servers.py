"""A real server that answers slowly, or never, and notes that its client has gone away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Long: "


class Manner(StrEnum):
    """When the server falls silent, or what it sends a byte of every 50 ms."""

    NO_HANDSHAKE = "no_handshake"
    NO_ANSWER = "no_answer"
    SLOW_HEADERS = "slow_headers"
    SLOW_BODY = "slow_body"
    SILENT_BODY = "silent_body"


BEGINNING = {
    Manner.SLOW_HEADERS: HEAD,
    Manner.SLOW_BODY: HEAD + b"1\r\n\r\n",
    Manner.SILENT_BODY: HEAD + b"1\r\n\r\nhalf of it",
}


class SlowServer:
    """Serves one client; `heard` when it has sent something, `gone_at` when it has gone."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.heard = threading.Event()
        self.gone = threading.Event()
        self.gone_at = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # the test has ended
            client, _ = self._listener.accept()
            with client:
                client.recv(65536)
                self.heard.set()
                self._answer(client)
            self.gone_at = time.monotonic()
            self.gone.set()

    def _answer(self, client: socket.socket) -> None:
        """Answer until the client closes its end, which reads as nothing or as an error."""
        client.settimeout(0.05)
        is_dripping = self.manner in {Manner.SLOW_HEADERS, Manner.SLOW_BODY}
        with suppress(ConnectionError):
            client.sendall(BEGINNING.get(self.manner, b""))
            while True:
                try:
                    if not client.recv(1):
                        return
                except TimeoutError:
                    client.sendall(b"x" if is_dripping else b"")

    def close(self) -> None:
        self._listener.close()


@contextmanager
def slow_server(manner: Manner) -> Iterator[SlowServer]:
    server = SlowServer(manner)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def deaf_port() -> Iterator[int]:
    """Give a port at which connecting hangs: its queue is full and nobody takes from it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port
        for client in waiting:
            client.close()
