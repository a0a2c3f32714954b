"""One per process: the only Redis subscription, and who follows which group.

A publisher encodes a frame once; the hub decodes the packet once and hands the same text to every
follower's queue. When Redis was lost, it subscribes again and tells every follower to check its
position against the database: the channel is a hint, nothing relies on it.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import redis.asyncio as redis
import structlog
from django.conf import settings
from redis.asyncio.connection import AbstractConnection

from core.realtime.reordering import Reordering
from core.realtime.wire import Packet, packet_decode

log = structlog.get_logger(__name__)

# Keeps the connection in subscriber mode before anyone follows anything; belongs to no tenant.
CONTROL = b"fd:hub"
SUBSCRIBE_TIMEOUT = 3.0
SILENCE_SECONDS = 30.0
PING_SECONDS = 10.0
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_LOST = (redis.RedisError, OSError, asyncio.TimeoutError)


class Follower(Protocol):
    """A connection that follows groups."""

    def deliver(self, group: str, packet: Packet) -> None:
        """Take a packet without waiting and without raising."""

    def recheck(self) -> None:
        """Packets may have been lost: check the position."""


class Hub:
    """Groups, their followers, and the task that reads from Redis for all of them."""

    def __init__(self, url: str) -> None:
        self.name = f"frontdesk-hub-{os.getpid()}"
        self._pool = redis.ConnectionPool.from_url(
            url, protocol=2, socket_connect_timeout=2, client_name=self.name
        )
        self._followers: dict[bytes, set[Follower]] = {}
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._sequences: dict[bytes, Reordering] = {}
        self._connection: AbstractConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._has_connected = False

    async def follow(self, group: str, follower: Follower) -> None:
        """Hand `group`'s packets to `follower` from now on.

        Returns once Redis has confirmed, so that what is read from the database afterwards leaves
        no hole. While Redis is away it returns after a few seconds all the same: the follower is
        told to check its position when Redis is back.
        """
        self._start()
        channel = group.encode()
        self._followers.setdefault(channel, set()).add(follower)
        confirmed = self._confirmed.get(channel)
        if confirmed is None:
            confirmed = self._confirmed[channel] = asyncio.Event()
            await self._command("SUBSCRIBE", channel)
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await confirmed.wait()

    async def leave(self, group: str, follower: Follower) -> None:
        """Stop handing `group`'s packets to `follower`."""
        channel = group.encode()
        followers = self._followers.get(channel, set())
        followers.discard(follower)
        if not followers and channel in self._followers:
            del self._followers[channel]
            self._confirmed.pop(channel, None)
            self._forget(channel)
            await self._command("UNSUBSCRIBE", channel)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._disconnect()

    def _start(self) -> None:
        if not self._tasks:
            # An empty context: the hub serves all tenants and must not keep its first caller's.
            self._tasks = [
                asyncio.create_task(work(), context=Context()) for work in (self._run, self._ping)
            ]

    async def _command(self, name: str, *channels: bytes) -> None:
        """Send a command if the line stands; when it does not, the next connect says it all."""
        if self._connection is None:
            return
        with suppress(*_LOST):
            await self._connection.send_command(name, *channels)

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._connect()
                failures = 0
                await self._read()
            except _LOST as error:
                log.warning("hub_connection_lost", reason=type(error).__name__)
            await self._disconnect()
            delay = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            failures += 1

    async def _connect(self) -> None:
        connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's
        await connection.connect()
        was_following = list(self._followers)
        # From here on `follow` sends its own SUBSCRIBE; a second one for a group is harmless.
        self._connection = connection
        await connection.send_command("SUBSCRIBE", *was_following, CONTROL)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_LOST):
                await connection.disconnect(nowait=True)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await self._command("PING")

    async def _read(self) -> None:
        connection = self._connection
        assert connection is not None
        while True:
            # Pings are answered every few seconds, so a silent line is a dead one.
            self._heard(await connection.read_response(timeout=SILENCE_SECONDS))

    def _heard(self, answer: Any) -> None:
        kind, channel, data = (*answer, None)[:3]
        if kind == b"message":
            self._fan_out(channel, data)
        elif kind == b"subscribe" and channel == CONTROL:
            self._connected()
        elif kind == b"subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()

    def _connected(self) -> None:
        """All is confirmed, CONTROL last. After a loss, what was missed can be read now."""
        is_first, self._has_connected = not self._has_connected, True
        if is_first:
            return
        for follower in {one for group in self._followers.values() for one in group}:
            follower.recheck()

    def hear(self, group: str, data: bytes) -> None:
        """Take a packet that did not come through Redis."""
        self._fan_out(group.encode(), data)

    def _fan_out(self, channel: bytes, data: bytes) -> None:
        if channel not in self._followers:
            return
        try:
            packet = packet_decode(data)
        except ValueError:
            log.warning("hub_packet_unreadable")
            return
        if packet.seq == 0:
            self._forward(channel, packet)
            return
        sequence = self._sequences.get(channel)
        if sequence is None:
            sequence = self._sequences[channel] = Reordering(partial(self._forward, channel))
        sequence.take(packet)

    def _forward(self, channel: bytes, packet: Packet) -> None:
        group = channel.decode()
        for follower in tuple(self._followers.get(channel, ())):
            follower.deliver(group, packet)

    def _forget(self, channel: bytes) -> None:
        sequence = self._sequences.pop(channel, None)
        if sequence is not None:
            sequence.close()


def deliver_here(group: str, data: bytes) -> None:
    """Hand a packet to this process's followers while Redis cannot; callable from any thread."""
    for loop, found in list(_hubs.items()):
        with suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(found.hear, group, data)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running loop, which is the process's one outside tests."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub(settings.REDIS_URL)
    return found
