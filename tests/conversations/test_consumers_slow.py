"""A reader who does not read: let go, with bounded memory, and nobody else notices."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client import REGISTRY

from conversations import announce
from core import tenancy
from core.realtime import broadcast
from tests.conversations.lines import Connect

FRAMES, FRAME_BYTES = 1_600, 32_000


def closed_as_slow() -> float:
    return REGISTRY.get_sample_value("ws_closed_total", {"code": "3008"}) or 0.0


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def plain_connect(realtime: Any) -> socket.socket:
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    plain.connect(("127.0.0.1", realtime.port))
    return plain


def stalled_stream(realtime: Any, visitor: Any) -> socket.socket:
    """Return a plain connection that has asked for events and never reads again."""
    plain = plain_connect(realtime)
    plain.sendall(
        (
            f"GET /widget/events HTTP/1.1\r\nHost: {visitor.slug}.localhost\r\n"
            f"Authorization: Bearer {visitor.token}\r\n\r\n"
        ).encode()
    )
    assert plain.recv(64).startswith(b"HTTP/1.1 200")
    return plain


def stalled_socket(realtime: Any, visitor: Any) -> socket.socket:
    """Return a plain connection that has said hello and never reads again."""
    plain = plain_connect(realtime)
    key = base64.b64encode(os.urandom(16)).decode()
    plain.sendall(
        (
            f"GET /ws/chat/ HTTP/1.1\r\nHost: {visitor.slug}.localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: frontdesk.v1, token.{visitor.token}\r\n\r\n"
        ).encode()
    )
    assert plain.recv(64).startswith(b"HTTP/1.1 101")
    hello = b'{"type":"hello"}'
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(hello))
    plain.sendall(bytes([0x81, 0x80 | len(hello)]) + mask + masked)
    return plain


@pytest.mark.parametrize("stalled_connect", [stalled_socket, stalled_stream])
def test_stalled_reader_is_let_go_and_the_others_hear_everything(
    realtime: Any, visitor: Any, chat: Connect, world: Any, stalled_connect: Any
) -> None:
    someone = visitor()
    before = closed_as_slow()
    heard: list[int] = []

    def read_all() -> None:
        with chat(someone) as line:
            line.say("hello")
            line.hear("status")
            ready.set()
            while len(heard) < FRAMES:
                heard.append(line.hear("message")["number"])
                line.heard.clear()
                line._seen = 0

    ready = threading.Event()
    reader = threading.Thread(target=read_all)
    reader.start()
    assert ready.wait(10)
    stalled = stalled_connect(realtime, someone)
    time.sleep(0.5)
    memory = resident_megabytes()
    with tenancy.tenant_scope(world.tenants["acme"]):
        group = announce.conversation_group(someone.conversation_id)
        for number in range(FRAMES):
            frame = {"type": "message", "seq": 0, "number": number, "text": "x" * FRAME_BYTES}
            broadcast(group, frame, durable=True)
            while number - len(heard) > 15:
                time.sleep(0.001)  # the healthy reader is no slow one
    reader.join(30)
    assert heard == list(range(FRAMES))
    assert closed_as_slow() == before + 1
    # 51 MB went by; what waited for the stalled reader is bounded by its queue of one.
    assert resident_megabytes() - memory < 25
    assert gone(stalled)


def gone(stalled: socket.socket, seconds: float = 12.0) -> bool:
    """Return whether the server lets go of the connection although nothing is ever read."""
    port = stalled.getsockname()[1]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        lines = psutil.Process().net_connections("tcp")
        if not any(line.raddr and line.raddr.port == port for line in lines):
            return True
        time.sleep(0.2)
    return False
