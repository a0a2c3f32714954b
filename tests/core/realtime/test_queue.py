"""The outbound queue: bounded, ephemeral frames go first, durable ones never silently."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.realtime.errors import SlowConsumer
from core.realtime.queue import OutboundQueue


async def taken(queue: OutboundQueue) -> list[str]:
    queue.finish()
    found = []
    while (text := await queue.get()) is not None:
        found.append(text)
    return found


async def test_frames_come_out_in_order() -> None:
    queue = OutboundQueue()
    for text in ("one", "two", "three"):
        queue.put(text, is_durable=True)
    assert queue.bytes == 11
    assert await taken(queue) == ["one", "two", "three"]
    assert queue.bytes == 0


async def test_get_waits_for_the_next_frame() -> None:
    queue = OutboundQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("late", is_durable=True)
    assert await waiting == "late"


async def test_new_ephemeral_frame_is_dropped_when_half_full() -> None:
    queue = OutboundQueue(max_bytes=100)
    queue.put("d" * 50, is_durable=True)
    queue.put("e", is_durable=False)
    assert await taken(queue) == ["d" * 50]


async def test_waiting_ephemeral_frames_make_room_for_a_durable_one() -> None:
    queue = OutboundQueue(max_bytes=100)
    queue.put("e" * 30, is_durable=False)
    queue.put("d" * 60, is_durable=True)
    queue.put("D" * 40, is_durable=True)
    assert await taken(queue) == ["d" * 60, "D" * 40]


@pytest.mark.parametrize("limits", [{"max_bytes": 100}, {"max_frames": 2}])
async def test_durable_frame_that_does_not_fit_ends_the_queue(limits: Any) -> None:
    queue = OutboundQueue(**limits)
    queue.put("d" * 40, is_durable=True)
    queue.put("d" * 40, is_durable=True)
    with pytest.raises(SlowConsumer):
        queue.put("d" * 40, is_durable=True)
    assert (len(queue), queue.bytes) == (0, 0)
    queue.put("after", is_durable=True)
    assert await queue.get() is None


async def test_size_is_counted_in_bytes() -> None:
    queue = OutboundQueue(max_bytes=9)
    queue.put("äöü€", is_durable=True)
    assert queue.bytes == 9


async def test_room_waits_until_half_is_free() -> None:
    queue = OutboundQueue(max_bytes=100)
    queue.put("d" * 80, is_durable=True)
    waiting = asyncio.create_task(queue.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await queue.get()
    await asyncio.wait_for(waiting, 1)


async def test_room_that_never_comes_is_a_slow_consumer() -> None:
    queue = OutboundQueue(max_bytes=100)
    queue.put("d" * 80, is_durable=True)
    with pytest.raises(SlowConsumer):
        await queue.room(seconds=0.01)


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=60))
def test_no_durable_frame_is_lost_before_the_reader_is_let_go(frames: Any) -> None:
    async def scenario() -> None:
        queue = OutboundQueue(max_bytes=200, max_frames=10)
        expected = []
        for number, (size, is_durable) in enumerate(frames):
            text = f"{number}:".ljust(size, "x")
            try:
                queue.put(text, is_durable=is_durable)
            except SlowConsumer:
                return
            expected += [text] if is_durable else []
            assert queue.bytes <= 200
            assert len(queue) <= 10
        found = await taken(queue)
        assert [text for text in found if text in expected] == expected

    asyncio.run(scenario())
