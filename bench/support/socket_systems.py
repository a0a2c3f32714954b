"""The systems that `bench.sockets` measures: how each is run, and how its lines are spoken to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from bench.support.socket_client import LOOPBACK, Address
from bench.support.stack import ports_free
from config.env import BASE_DIR
from config.supervision.stack import FRAME_LIMIT

PEERS: Final = BASE_DIR / ".venv-bench" / "bin"
START_SECONDS, STOP_SECONDS = 60.0, 20.0
# As config/supervision/stack.py serves ours; peers that uvicorn serves get the same.
UVICORN: Final = (
    *("--no-access-log", "--log-level=warning", "--ws-per-message-deflate=false"),
    *("--ws-ping-interval=25", "--ws-ping-timeout=25", f"--ws-max-size={FRAME_LIMIT}"),
)
Frame = dict[str, Any]


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class System:
    """What is run, and the plain way to speak: say the room, then messages."""

    name: str
    command: Sequence[str]
    path: str = "/"

    def address(self, port: int, room: int) -> Address:
        """Return where a line of this room dials."""
        return Address(port, self.path)

    def opening(self, room: int) -> bytes | None:
        """Return what a line says as soon as it stands."""
        return _encoded({"room": f"room-{room}"})

    def answer(self, payload: bytes, room: int) -> bytes | None:
        """Return what a line has to answer to a short frame."""
        return None

    def is_in(self, payload: bytes) -> bool:
        """Tell whether the frame says that the line hears its room from now on."""
        return b'"welcome"' in payload

    def message(self, client_id: str, text: str) -> bytes:
        return _encoded({"type": "message", "client_id": client_id, "text": text})


class SocketIo(System):
    """Engine.IO's handshake before, its packet type in front of every frame."""

    def opening(self, room: int) -> bytes | None:
        return None

    def answer(self, payload: bytes, room: int) -> bytes | None:
        if payload.startswith(b"0{"):
            return b"40"
        if payload.startswith(b"40"):
            return b"42" + _encoded(["enter", {"room": f"room-{room}"}])
        return b"3" if payload == b"2" else None

    def message(self, client_id: str, text: str) -> bytes:
        return b"42" + _encoded(["message", {"client_id": client_id, "text": text}])


@dataclass(frozen=True)
class Frontdesk(System):
    """Ours: a visitor token for each room, `hello`, and then what docs/protocol.md says."""

    host: str = ""
    tokens: Sequence[str] = field(default=(), repr=False)

    def address(self, port: int, room: int) -> Address:
        protocols = ("frontdesk.v1", f"token.{self.tokens[room]}")
        return Address(port, self.path, host=self.host, protocols=protocols)

    def opening(self, room: int) -> bytes | None:
        return b'{"type":"hello"}'

    def is_in(self, payload: bytes) -> bool:
        return payload.startswith(b'{"type":"status"')


def frontdesk(host: str, tokens: Sequence[str]) -> Frontdesk:
    """Return ours, with a token of the visitor of each room."""
    protocols = ("Http", "--http"), ("WebSocket", "--ws")
    ways = [f"{option}=core.realtime.protocol:{name}Protocol" for name, option in protocols]
    uvicorn = str(Path(sys.executable).with_name("uvicorn"))
    command = (uvicorn, "config.asgi:application", "--lifespan=off", *ways, *UVICORN)
    return Frontdesk("frontdesk", command, "/ws/chat/", host, tokens)


def peers() -> Sequence[System]:
    """Return what is measured beside ours."""
    uvicorn, module = str(PEERS / "uvicorn"), "bench.support.peers.sockets_"
    served = (*UVICORN, "--ws=websockets-sansio", "--lifespan=off")
    return (
        System("bare", (str(PEERS / "python"), "-m", f"{module}bare")),
        SocketIo(
            "socketio",
            (uvicorn, f"{module}socketio:application", *served),
            "/socket.io/?EIO=4&transport=websocket",
        ),
        System("channels", (uvicorn, f"{module}channels:application", *served)),
    )


@dataclass(slots=True)
class Running:
    """A system's one process, and what it weighs."""

    system: System
    port: int
    process: psutil.Process

    def megabytes(self) -> float:
        """Return the memory that is the process's own, resident."""
        return float(self.process.memory_info().rss) / 1e6

    def processor_seconds(self) -> float:
        spent = self.process.cpu_times()
        return float(spent.user + spent.system)


@contextmanager
def running(system: System) -> Iterator[Running]:
    """Run a system in one process of its own on a free port."""
    port = ports_free(1)[0]
    place = (f"--host={LOOPBACK}", f"--port={port}") if "uvicorn" in system.command[0] else ()
    environment = {**os.environ, "BENCH_REDIS_URL": os.environ["REDIS_URL"]}
    process = subprocess.Popen(  # noqa: S603 - our own programs
        [*system.command, *(place or (str(port),))], cwd=BASE_DIR, env=environment
    )
    try:
        _listening_wait(process, port)
        yield Running(system, port, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait(STOP_SECONDS)


def _listening_wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        listening = psutil.Process(process.pid).net_connections("tcp")
        if any(found.laddr.port == port and found.status == "LISTEN" for found in listening):
            return
        time.sleep(0.1)
    raise TimeoutError(f"Nothing listens on port {port}.")
