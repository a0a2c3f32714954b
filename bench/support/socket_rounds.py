"""What every system of `bench.sockets` goes through, from the clients' side."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from bench.support.socket_client import Connection, dial
from bench.support.socket_systems import Running, System

MESSAGE_BYTES: Final = 600  # of a frame as it is heard, whatever a system's envelope
PROBE: Final = 400
LONG: Final = 350  # nothing but messages is as long
DIALLING: Final = 40  # at once
PACE: Final = 50.0
PACED_SECONDS, CLOSED_SECONDS, FANOUT_SECONDS = 12.0, 8.0, 10.0
CALLERS: Final = 20
IN_FLIGHT: Final = 4
WAIT_SECONDS: Final = 60.0
# 24 kB a message in every system: ours measures letters, so they are of three bytes there.
STALLED_ROOMS, STALLED_MESSAGES, STALLED_LETTERS = 5, 320, 8_000
_ID: Final = re.compile(rb'"client_id": ?"b-(\d+)"')


class Broken(RuntimeError):
    """A line was lost, refused or told of an error: the figures would mean nothing."""


@dataclass(slots=True)
class Log:
    """What all lines of a system hear, by the number in a message's client id."""

    numbers: Iterable[int] = field(default_factory=count)
    said_at: dict[int, float] = field(default_factory=dict)
    accepted_at: dict[int, float] = field(default_factory=dict)
    heard_at: dict[int, float] = field(default_factory=dict)
    waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    heard: int = 0
    frame_bytes: int = 0
    errors: list[bytes] = field(default_factory=list)


class Line:
    """A client's line in a room. Only those that `listens` note when something was heard."""

    def __init__(self, system: System, room: int, log: Log, *, listens: bool) -> None:
        self.system = system
        self.room = room
        self.log = log
        self.listens = listens
        self.is_in = asyncio.Event()
        self.connection: Connection

    async def open(self, port: int, *, received: int = 0) -> None:
        self.connection = await dial(
            self.system.address(port, self.room), self._heard, received=received
        )
        opening = self.system.opening(self.room)
        if opening is not None:
            self.connection.say(opening)
        await asyncio.wait_for(self.is_in.wait(), WAIT_SECONDS)

    def say(self, text: str) -> int:
        """Say something and return its number."""
        number = next(iter(self.log.numbers))
        payload = self.system.message(f"b-{number}", text)
        self.log.said_at[number] = time.perf_counter()
        self.connection.say(payload)
        return number

    def _heard(self, connection: Connection, payload: bytes) -> None:
        if len(payload) >= LONG:
            self.log.heard += 1
            if self.listens:
                self._message(payload)
            return
        answer = self.system.answer(payload, self.room)
        if answer is not None:
            connection.say(answer)
        elif self.system.is_in(payload):
            self.is_in.set()
        elif b'"accepted"' in payload:
            self._accepted(payload)
        elif b'"error"' in payload:
            self.log.errors.append(payload)

    def _message(self, payload: bytes) -> None:
        found = _ID.search(payload)
        if found is None:
            return
        number = int(found[1])
        self.log.heard_at[number] = time.perf_counter()
        self.log.frame_bytes = len(payload)
        waiting = self.log.waiting.pop(number, None)
        if waiting is not None:
            waiting.set_result(None)

    def _accepted(self, payload: bytes) -> None:
        found = _ID.search(payload)
        if found is not None:
            self.log.accepted_at[int(found[1])] = time.perf_counter()

    async def said_and_heard(self, text: str) -> int:
        """Say something and wait until the listening line of the room has it."""
        number = self.say(text)
        self.log.waiting[number] = heard = asyncio.get_running_loop().create_future()
        await asyncio.wait_for(heard, WAIT_SECONDS)
        return number


Pair = tuple[Line, Line]  # who says, and who listens


async def gathered(calls: Sequence[Awaitable[None]]) -> None:
    """Await all, so many at once."""
    free = asyncio.Semaphore(DIALLING)

    async def one(call: Awaitable[None]) -> None:
        async with free:
            await call

    await asyncio.gather(*(one(call) for call in calls))


def close_all(lines: Iterable[Line]) -> None:
    for line in lines:
        line.connection.transport.abort()


@dataclass(slots=True)
class Rounds:
    """One system under one set of lines after the other."""

    running: Running
    log: Log = field(default_factory=Log)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311
    text: str = "x" * PROBE

    def pair(self, room: int) -> Pair:
        system = self.running.system
        return (
            Line(system, room, self.log, listens=False),
            Line(system, room, self.log, listens=True),
        )

    async def warmed(self) -> None:
        """Open a few lines, size the text so that every system's frames are alike, and close."""
        pairs = [self.pair(room) for room in range(CALLERS)]
        await self._open([line for pair in pairs for line in pair])
        for says, _ in pairs * 5:
            await says.said_and_heard(self.text)
        self.text = "x" * (PROBE + MESSAGE_BYTES - self.log.frame_bytes)
        close_all(line for pair in pairs for line in pair)
        await asyncio.sleep(1.0)

    async def _open(self, lines: Sequence[Line], *, received: int = 0) -> None:
        await gathered([line.open(self.running.port, received=received) for line in lines])

    def _whole_check(self, lines: Sequence[Line]) -> None:
        lost = sum(line.connection.is_lost for line in lines)
        if lost or self.log.errors:
            raise Broken(f"{self.running.system.name}: {lost} lost, {self.log.errors[:3]}")

    async def pairs_measured(self, connections: int) -> dict[str, float]:
        """Fill the server with rooms of two; weigh it, then time what is said in them."""
        before = self.running.megabytes()
        pairs = [self.pair(room) for room in range(connections // 2)]
        lines = [line for pair in pairs for line in pair]
        began = time.perf_counter()
        await self._open(lines)
        opened = time.perf_counter() - began
        await asyncio.sleep(2.0)
        weight = (self.running.megabytes() - before) * 1e3 / len(lines)
        paced = await self._paced(pairs)
        closed = await self._closed(pairs)
        self._whole_check(lines)
        close_all(lines)
        await asyncio.sleep(2.0)
        per_second = len(lines) / opened
        return {
            "kb_per_connection": round(weight, 1),
            "opened_per_s": round(per_second),
            **paced,
            **closed,
        }

    async def _paced(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """Say so many messages a second, whatever is still on its way."""
        began, spent = time.perf_counter(), self.running.processor_seconds()
        numbers = []
        for turn in range(int(PACE * PACED_SECONDS)):
            await asyncio.sleep(max(0.0, began + turn / PACE - time.perf_counter()))
            says, _ = self.chance.choice(pairs)
            numbers.append(says.say(self.text))
        await self._until(lambda: all(number in self.log.heard_at for number in numbers))
        times = self._times(numbers, self.log.heard_at)
        accepted = self._times(numbers, self.log.accepted_at)
        spent = self.running.processor_seconds() - spent
        found = {
            "rtt_p50_ms": percentile(times, 0.5),
            "rtt_p95_ms": percentile(times, 0.95),
            "cpu_ms_per_message": round(spent * 1e3 / len(numbers), 2),
        }
        if accepted:
            found["accepted_p50_ms"] = percentile(accepted, 0.5)
        return found

    async def _closed(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """Keep a message of each of so many callers on its way."""
        numbers: list[int] = []
        began = time.perf_counter()

        async def call() -> None:
            while time.perf_counter() < began + CLOSED_SECONDS:
                says, _ = self.chance.choice(pairs)
                numbers.append(await says.said_and_heard(self.text))

        await asyncio.gather(*(call() for _ in range(CALLERS)))
        seconds = time.perf_counter() - began
        times = self._times(numbers, self.log.heard_at)
        return {
            "msgs_per_s_c20": round(len(numbers) / seconds),
            "rtt_p50_ms_c20": percentile(times, 0.5),
            "rtt_p95_ms_c20": percentile(times, 0.95),
        }

    def _since_said(self, number: int) -> float:
        return (time.perf_counter() - self.log.said_at[number]) * 1e3

    def _times(self, numbers: Sequence[int], at: dict[int, float]) -> list[float]:
        said = self.log.said_at
        return [(at[number] - said[number]) * 1e3 for number in numbers if number in at]

    async def _until(self, holds: Callable[[], bool]) -> None:
        until = time.perf_counter() + WAIT_SECONDS
        while not holds():
            if time.perf_counter() > until:
                log = self.log
                counts = (
                    f"{len(log.said_at)} said, {len(log.accepted_at)} accepted, {log.heard} heard"
                )
                raise Broken(f"{self.running.system.name}: {counts}, {log.errors[:3]}")
            await asyncio.sleep(0.002)

    async def fanout_measured(self, connections: int, room: int) -> dict[str, float]:
        """Let one room of all the lines hear what some of them say, a few messages at a time."""
        system = self.running.system
        lines = [Line(system, room, self.log, listens=False) for _ in range(connections)]
        await self._open(lines)
        await asyncio.sleep(1.0)
        self.log.heard = sent = 0
        numbers: list[int] = []
        whole: list[float] = []
        began = time.perf_counter()
        while time.perf_counter() < began + FANOUT_SECONDS:
            numbers.append(lines[sent % connections].say(self.text))
            sent += 1
            oldest = (sent - IN_FLIGHT + 1) * connections
            await self._until(lambda oldest=oldest: self.log.heard >= oldest)  # type: ignore[misc]
            if sent >= IN_FLIGHT:
                whole.append(self._since_said(numbers[sent - IN_FLIGHT]))
        await self._until(lambda: self.log.heard >= sent * connections)
        seconds = time.perf_counter() - began
        self._whole_check(lines)
        close_all(lines)
        await asyncio.sleep(2.0)
        return {
            "fanout_msgs_per_s": round(self.log.heard / seconds),
            "fanout_said_per_s": round(sent / seconds, 1),
            "room_rtt_p50_ms": percentile(whole, 0.5),
        }

    async def stalled_measured(self, rooms: Sequence[int], letter: str) -> dict[str, float]:
        """Let one line of each room stop reading while much is said; return a line's growth."""
        text = letter * (STALLED_LETTERS * 3 // len(letter.encode()))
        pairs = [self.pair(room) for room in rooms]
        await self._open([line for pair in pairs for line in pair])
        await self._said_to_all(pairs, text, STALLED_MESSAGES // 4)
        deaf = [Line(self.running.system, room, self.log, listens=False) for room in rooms]
        await self._open(deaf, received=4_096)
        for line in deaf:
            line.connection.transport.pause_reading()
        before = self.running.megabytes()
        weighing = asyncio.create_task(self._heaviest())
        await self._said_to_all(pairs, text, STALLED_MESSAGES)
        await asyncio.sleep(0.2)
        weighing.cancel()
        peak = await weighing
        close_all([*deaf, *(line for pair in pairs for line in pair)])
        said = STALLED_MESSAGES * len(text.encode()) / 1e6
        return {
            "stalled_reader_growth_mb": round(max(0.0, peak - before) / len(rooms), 2),
            "stalled_said_mb": round(said, 1),
        }

    async def _said_to_all(self, pairs: Sequence[Pair], text: str, times: int) -> None:
        """Say something in every room, so many times, each when the last was heard."""

        async def said(pair: Pair) -> None:
            for _ in range(times):
                await pair[0].said_and_heard(text)

        await asyncio.gather(*(said(pair) for pair in pairs))

    async def _heaviest(self) -> float:
        peak = 0.0
        with suppress(asyncio.CancelledError):
            while True:
                peak = max(peak, self.running.megabytes())
                await asyncio.sleep(0.02)
        return peak


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
