"""A socket client for tests: speaks frames, remembers everything it heard."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

WAIT = 10.0


class Line:
    """One connection; `heard` is every frame in the order of arrival."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        self._seen = 0

    def say(self, type_: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": type_, **fields}))

    def raw(self, data: str | bytes) -> None:
        self.connection.send(data)

    def hear(self, type_: str, wait: float = WAIT, **fields: Any) -> dict[str, Any]:
        """Return the next frame of a type (with these fields), skipping and keeping the others."""
        until = time.monotonic() + wait
        while True:
            while self._seen < len(self.heard):
                frame = self.heard[self._seen]
                self._seen += 1
                if frame["type"] == type_ and fields.items() <= frame.items():
                    return frame
            self.take(until - time.monotonic())

    def take(self, wait: float = WAIT) -> dict[str, Any]:
        """Return the next frame of any type; raises TimeoutError."""
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=max(0.0, wait)))
        self.heard.append(frame)
        return frame

    def drain(self, quiet: float = 0.3) -> None:
        """Take everything until nothing has come for a moment."""
        while True:
            try:
                self.take(quiet)
            except TimeoutError:
                return

    def closed(self, wait: float = WAIT) -> int:
        """Return the code the server closes with."""
        until = time.monotonic() + wait
        try:
            while True:
                self.take(until - time.monotonic())
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def messages(self) -> list[dict[str, Any]]:
        return [frame for frame in self.heard if frame["type"] == "message"]


Connect = Callable[..., AbstractContextManager[Line]]


class Realtime:
    """The address of the server under test."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextmanager
    def line(
        self,
        slug: str,
        path: str,
        *,
        token: str = "",
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        versions: Sequence[str] = ("frontdesk.v1",),
    ) -> Iterator[Line]:
        """Connect to a tenant's host."""
        protocols = [*versions, *([f"token.{token}"] if token else [])]
        plain = socket.create_connection(("127.0.0.1", self.port))
        with connect(
            f"ws://{slug}.localhost:{self.port}{path}",
            sock=plain,
            subprotocols=protocols,  # type: ignore[arg-type]
            origin=origin,  # type: ignore[arg-type]
            additional_headers=headers,
            compression=None,
            proxy=None,
        ) as connection:
            yield Line(connection)
