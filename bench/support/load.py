"""A closed loop of HTTP clients on kept connections, cheap enough not to be what is measured.

Each client sends its next request when the answer to the last has come. Requests are bytes made
beforehand, answers are read as far as their status and length; nothing is parsed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import uvloop

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 15.0
MakeRequest = Callable[[], bytes]


@dataclass(slots=True)
class Measured:
    """What the clients of one round saw; times in seconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds


def request_bytes(
    path: str, headers: Mapping[str, str], *, method: str = "GET", body: object = None
) -> bytes:
    """Return an HTTP/1.1 request that keeps its connection."""
    content = b"" if body is None else json.dumps(body).encode()
    sent = {**headers, "Accept": "application/json", "Connection": "keep-alive"}
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


class _Client(asyncio.Protocol):
    """One connection: a request out, its answer in, until the round is over."""

    def __init__(self, make: MakeRequest, into: Measured, ends_at: float) -> None:
        self.make = make
        self.into = into
        self.ends_at = ends_at
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._send()

    def _send(self) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.transport.write(self.make())

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not _is_whole(self.received):
            return
        now = time.perf_counter()
        self.into.times.append(now - self.sent_at)
        self.into.statuses[int(self.received[9:12])] += 1
        if now < self.ends_at:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is not None or time.perf_counter() < self.ends_at:
            self.done.set_exception(error or ConnectionError("The server closed the connection."))
        else:
            self.done.set_result(None)


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line[15:])
    return body.endswith(b"0\r\n\r\n")  # in chunks


def load_run(*, port: int, make: MakeRequest, clients: int, seconds: float) -> Measured:
    """Keep `clients` requests in flight for `seconds`; raises ConnectionError or TimeoutError."""
    return uvloop.run(_round(port, make, clients, seconds))


async def _round(port: int, make: MakeRequest, clients: int, seconds: float) -> Measured:
    measured = Measured()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Client(make, measured, began + seconds), LOOPBACK, port
        )
        for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + GRACE_SECONDS):
        await asyncio.gather(*(client.done for _, client in made))
    measured.seconds = time.perf_counter() - began
    return measured
