"""A feed sends each stored frame once and in order, whatever the broadcasts do."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from core.realtime.errors import SlowConsumer
from core.realtime.feed import Feed, Stored
from core.realtime.queue import OutboundQueue
from core.realtime.wire import Packet, packet_decode, packet_encode


class Database:
    """Stored frames 1..n, read in pages."""

    def __init__(self, last: int = 0, page: int = 3) -> None:
        self.last, self.page, self.reads = last, page, 0
        self.is_down = False

    async def fetch(self, after: int) -> list[Stored]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ConnectionError
        until = min(self.last, after + self.page)
        return [Stored(seq, str(seq)) for seq in range(after + 1, until + 1)]


def broadcast(seq: int, text: str = "") -> Packet:
    return Packet(text=text or str(seq), is_durable=True, seq=seq)


def feed_make(database: Database, queue: OutboundQueue | None = None) -> tuple[Feed, OutboundQueue]:
    queue = queue or OutboundQueue()
    return Feed(queue=queue, fetch=database.fetch, on_slow=queue.close), queue


async def sent(queue: OutboundQueue) -> list[str]:
    for _ in range(50):
        await asyncio.sleep(0)
    queue.finish()
    found = []
    while (text := await queue.get()) is not None:
        found.append(text)
    return found


async def test_start_sends_what_is_stored_after_the_position() -> None:
    database = Database(last=8)
    feed, queue = feed_make(database)
    feed.start(2, last=8)
    assert await sent(queue) == ["3", "4", "5", "6", "7", "8"]


async def test_next_broadcast_is_forwarded_without_reading() -> None:
    database = Database()
    feed, queue = feed_make(database)
    feed.start(0, last=database.last)
    await asyncio.sleep(0.01)
    reads = database.reads
    for seq in (1, 2, 3):
        database.last = seq
        feed.deliver(broadcast(seq))
    assert await sent(queue) == ["1", "2", "3"]
    assert database.reads == reads


async def test_lost_broadcast_is_read_from_the_database() -> None:
    database = Database()
    feed, queue = feed_make(database)
    feed.start(0, last=database.last)
    await asyncio.sleep(0.01)
    database.last = 3
    feed.deliver(broadcast(3))
    assert await sent(queue) == ["1", "2", "3"]


async def test_doubled_broadcast_is_sent_once() -> None:
    database = Database(last=1)
    feed, queue = feed_make(database)
    feed.start(0, last=database.last)
    await asyncio.sleep(0.01)
    feed.deliver(broadcast(1))
    assert await sent(queue) == ["1"]


async def test_frame_without_a_seq_passes_and_nothing_passes_before_the_start() -> None:
    feed, queue = feed_make(Database())
    feed.deliver(Packet(text="early", is_durable=True))
    feed.start(0, last=0)
    feed.deliver(Packet(text="status", is_durable=True))
    assert await sent(queue) == ["status"]


async def test_what_is_said_between_reading_and_starting_is_sent() -> None:
    database = Database(last=2)
    feed, queue = feed_make(database)
    database.last = 3
    feed.deliver(broadcast(3))
    feed.start(2, last=2)
    assert await sent(queue) == ["3"]


async def test_nothing_missing_reads_nothing() -> None:
    database = Database(last=2)
    feed, _ = feed_make(database)
    feed.start(2, last=2)
    await asyncio.sleep(0.01)
    assert database.reads == 0


async def test_database_that_is_away_is_asked_again_later() -> None:
    database = Database(last=2)
    feed, queue = feed_make(database)
    database.is_down = True
    feed.start(0, last=database.last)
    await asyncio.sleep(0.01)
    database.is_down = False
    feed.catch_up()
    assert await sent(queue) == ["1", "2"]


async def test_reader_who_takes_nothing_is_let_go_during_a_catch_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.realtime.queue.ROOM_SECONDS", 0.01)
    let_go = asyncio.Event()
    queue = OutboundQueue(max_frames=4)

    async def no_room(seconds: float = 0.01) -> None:
        if len(queue) >= 2:
            raise SlowConsumer

    monkeypatch.setattr(queue, "room", no_room)
    feed = Feed(queue=queue, fetch=Database(last=100).fetch, on_slow=let_go.set)
    feed.start(0, last=100)
    await asyncio.wait_for(let_go.wait(), 1)


@pytest.mark.parametrize("seed", range(20))
async def test_any_loss_doubling_and_disorder_ends_in_the_stored_sequence(seed: int) -> None:
    chance = random.Random(seed)
    database = Database(page=chance.randint(1, 5))
    feed, queue = feed_make(database)
    feed.start(0, last=database.last)
    late: list[int] = []
    for seq in range(1, 60):
        database.last = seq
        late += [seq] * chance.choice((0, 1, 1, 1, 2))
        chance.shuffle(late)
        while late and chance.random() < 0.6:
            feed.deliver(broadcast(late.pop()))
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    feed.catch_up()
    await asyncio.sleep(0.01)
    assert await sent(queue) == [str(seq) for seq in range(1, 60)]


def test_packet_survives_the_wire() -> None:
    for packet in (
        Packet(text='{"a":"ä\\n€"}', is_durable=True, seq=7),
        Packet(text="{}", is_durable=False, skip="abc"),
        Packet(text="{}", is_durable=False, is_slight=True),
    ):
        assert packet_decode(packet_encode(packet)) == packet


@pytest.mark.parametrize("data", [b"", b"D\n{}", b"D x -\n{}", b"\xff\xfe"])
def test_packet_of_nobody_is_an_error(data: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        packet_decode(data)
