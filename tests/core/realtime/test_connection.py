"""One connection on a scripted transport: what goes out at once, what waits, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from core.realtime.closing import Close
from core.realtime.connection import Connection
from core.realtime.errors import Refused
from core.realtime.frames import FrameSet
from core.realtime.handshake import Handshake
from core.realtime.transport import TransportClosed
from core.realtime.wire import Packet


class Plain(Connection):
    kind = "plain"
    protocol = "plain.v1"
    frame_set: ClassVar[FrameSet[Any]] = FrameSet()


class Scripted:
    """A client that takes frames at once, or not while it `is_slow`."""

    suffix = ""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.pushed: list[str] = []
        self.is_slow = False
        self.takes = asyncio.Event()
        self.leaves = asyncio.Event()
        self.fails: Exception | None = None
        self.closed: Close | None = None

    async def open(self, protocol: str) -> None: ...

    async def refuse(self, refused: Refused) -> None: ...

    async def receive(self) -> str | None:
        await self.leaves.wait()
        raise TransportClosed

    def push(self, text: str) -> bool:
        if not self.is_slow:
            self.pushed.append(text)
            self.sent.append(text)
        return not self.is_slow

    async def send(self, text: str) -> None:
        if self.fails is not None:
            raise self.fails
        await self.takes.wait()
        self.sent.append(text)

    async def close(self, code: Close) -> None:
        self.closed = code


def handshake() -> Handshake:
    return Handshake(host="", origin="", token="", versions=(), cookie_header="")


async def served() -> tuple[Plain, Scripted, asyncio.Task[None]]:
    connection, transport = Plain(handshake()), Scripted()
    running = asyncio.create_task(connection.run(transport))
    await asyncio.sleep(0.01)
    return connection, transport, running


async def ended(running: asyncio.Task[None]) -> None:
    await asyncio.wait_for(running, 2)


def message(text: str) -> Packet:
    return Packet(text=text, is_durable=True)


async def test_frame_that_nothing_waits_before_goes_out_at_once() -> None:
    connection, transport, running = await served()
    connection.deliver("group", message("one"))
    assert transport.pushed == ["one"]
    transport.leaves.set()
    await ended(running)
    assert transport.closed is Close.NORMAL


async def test_nothing_overtakes_what_waits_or_is_being_sent() -> None:
    connection, transport, running = await served()
    transport.is_slow = True
    connection.deliver("group", message("one"))
    connection.deliver("group", message("two"))
    await asyncio.sleep(0.01)  # the first is being sent, the second waits
    transport.is_slow = False
    connection.deliver("group", message("three"))
    transport.takes.set()
    connection.deliver("group", message("four"))
    await asyncio.sleep(0.01)
    connection.deliver("group", message("five"))
    assert transport.sent == ["one", "two", "three", "four", "five"]
    assert transport.pushed == ["five"]
    transport.leaves.set()
    await ended(running)


async def test_nothing_is_sent_once_the_connection_ends() -> None:
    connection, transport, running = await served()
    connection.stop(Close.ABUSE)
    connection.deliver("group", message("late"))
    await ended(running)
    connection.deliver("group", message("later"))
    assert (transport.sent, transport.closed) == ([], Close.ABUSE)


@pytest.mark.parametrize("is_slow", [True, False])
async def test_client_that_is_gone_ends_the_connection(is_slow: bool) -> None:
    connection, transport, running = await served()
    transport.is_slow = is_slow
    if is_slow:
        transport.fails = ConnectionResetError()
        connection.deliver("group", message("lost"))
    else:
        transport.leaves.set()
    await ended(running)
    assert transport.closed is Close.NORMAL


async def test_reader_that_takes_nothing_is_let_go_with_a_code() -> None:
    connection, transport, running = await served()
    transport.is_slow = True
    for _ in range(40):
        connection.deliver("group", message("x" * 32_768))
    await ended(running)
    assert transport.closed is Close.SLOW_CONSUMER
