"""A connection that can be shut down from another thread at any moment of its life.

A backend for httpcore, because its own connects and shakes hands with sockets that nobody else can
reach: an abort would come through only with the first byte of the answer.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore2

from core.resilience.deadline import seconds_within

Raised = type[httpcore2.TimeoutException] | type[httpcore2.NetworkError]
CONNECT_SECONDS: Final = 60.0


class Wire(httpcore2.NetworkBackend):
    """Connects to addresses (not names), and shuts down whatever it is connected to.

    One wire serves one request at a time. Time-outs are cut to the deadline.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_down = False

    def shut_down(self) -> None:
        """End reading and writing, connecting and shaking hands; for ever. From any thread."""
        with self._lock:
            self._is_down = True
            self._end(self._socket)

    def hold(self, held: socket.socket) -> None:
        """Take a socket as the one to shut down."""
        with self._lock:
            self._socket = held
            if self._is_down:
                self._end(held)

    def close(self, held: socket.socket) -> None:
        """Close a socket while nobody shuts it down: its number may be another's right after."""
        with self._lock:
            held.close()

    @staticmethod
    def _end(held: socket.socket | None) -> None:
        if held is None or held.fileno() < 0:
            return
        try:
            # Not SSLSocket's own, which takes the cipher away from under a reader.
            socket.socket.shutdown(held, socket.SHUT_RDWR)
        except OSError:
            return  # never connected, or gone by itself: nothing is left to end

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        self.hold(made)
        try:
            with _told(httpcore2.ConnectTimeout, httpcore2.ConnectError):
                made.settimeout(_bounded(timeout))
                made.connect((host, port))
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.close(made)
            raise
        return _Stream(self, made)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, wire: Wire, held: socket.socket) -> None:
        self._wire, self._socket = wire, held

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _told(httpcore2.ReadTimeout, httpcore2.ReadError):
            self._socket.settimeout(_bounded(timeout))
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _told(httpcore2.WriteTimeout, httpcore2.WriteError):
            self._socket.settimeout(_bounded(timeout))
            self._socket.sendall(buffer)

    def close(self) -> None:
        self._wire.close(self._socket)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            with _told(httpcore2.ConnectTimeout, httpcore2.ConnectError):
                self._socket.settimeout(_bounded(timeout))
                secured = ssl_context.wrap_socket(
                    self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
                )
                self._socket = secured
                self._wire.hold(secured)
                secured.do_handshake()
        except BaseException:
            self.close()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:
        known: dict[str, Callable[[], Any]] = {
            "ssl_object": lambda: self._socket if isinstance(self._socket, ssl.SSLSocket) else None,
            "socket": lambda: self._socket,
            "is_readable": lambda: False,  # asked of idle connections, of which a wire keeps none
        }
        return known.get(info, lambda: None)()


def _bounded(timeout: float | None) -> float:
    """Return a time-out within the deadline; never 0, which would mean not to wait at all."""
    return max(0.001, seconds_within(CONNECT_SECONDS if timeout is None else timeout))


@contextmanager
def _told(timeout: Raised, broken: Raised) -> Iterator[None]:
    """Tell socket errors as httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
