"""Ask one process of several on the same port whether it is well.

The kernel gives each new connection to one of the processes that listen (SO_REUSEPORT). So the
question is put over a connection that this very process has accepted, found among its own.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from http import HTTPStatus

import psutil

from config.supervision.records import ProcessRecord

ATTEMPTS = 12  # with two processes, one in four thousand questions meets only the other one
ACCEPT_SECONDS = 0.05
ANSWER_SECONDS = 3.0


def answers_itself(host: str, port: int, path: str = "/healthz") -> Callable[[ProcessRecord], bool]:
    """Return a question to a process: does it answer a GET with success within three seconds?"""

    def ask(record: ProcessRecord) -> bool:
        members = record.group()
        for _ in range(ATTEMPTS):
            connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
            with closing(connection), suppress(OSError, http.client.HTTPException):
                connection.connect()
                if _is_accepted(connection.sock, members):
                    return _is_answered(connection, path)
        return False

    return ask


def _is_answered(connection: http.client.HTTPConnection, path: str) -> bool:
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _is_accepted(sock: socket.socket, members: Sequence[psutil.Process]) -> bool:
    """Tell whether one of these processes holds the other end of a connection, or soon does."""
    ours, theirs = sock.getsockname()[:2], sock.getpeername()[:2]
    until = time.monotonic() + ACCEPT_SECONDS
    while time.monotonic() < until:
        if any(_holds(member, theirs, ours) for member in members):
            return True
        time.sleep(0.01)
    return False


def _holds(member: psutil.Process, local: tuple[str, int], remote: tuple[str, int]) -> bool:
    try:
        held = member.net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any((tuple(end.laddr), tuple(end.raddr)) == (local, remote) for end in held)
