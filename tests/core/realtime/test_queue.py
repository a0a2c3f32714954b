"""The outbound queue: bounded, ephemeral frames go first, durable ones never silently."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from core.realtime.errors import SlowConsumer
from core.realtime.queue import OutboundQueue, Policy


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


def dropped(policy: Policy) -> float:
    labels = {"policy": policy.value}
    return REGISTRY.get_sample_value("ws_backpressure_drops_total", labels) or 0.0


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        # The one that has waited longest goes, whatever it is.
        (Policy.OLDEST, ["s" * 20, "new" * 6]),
        # What has come goes.
        (Policy.NEWEST, ["e" * 20, "s" * 20]),
        # The slight one goes.
        (Policy.PRIORITY, ["e" * 20, "new" * 6]),
    ],
)
async def test_policy_says_which_ephemeral_frame_goes(policy: Policy, left: list[str]) -> None:
    queue, before = OutboundQueue(max_bytes=100, policy=policy), dropped(policy)
    queue.put("e" * 20, is_durable=False)
    queue.put("s" * 20, is_durable=False, is_slight=True)
    queue.put("new" * 6, is_durable=False)
    assert await taken(queue) == left
    assert dropped(policy) == before + 1


@pytest.mark.parametrize("policy", [Policy.NEWEST, Policy.PRIORITY])
async def test_slight_frame_takes_nobodys_place(policy: Policy) -> None:
    queue = OutboundQueue(max_bytes=100, policy=policy)
    queue.put("e" * 50, is_durable=False)
    queue.put("s", is_durable=False, is_slight=True)
    assert await taken(queue) == ["e" * 50]


@pytest.mark.parametrize("policy", Policy)
async def test_nothing_is_dropped_in_vain(policy: Policy) -> None:
    queue = OutboundQueue(max_bytes=100, policy=policy)
    queue.put("e" * 10, is_durable=False, is_slight=True)
    queue.put("d" * 50, is_durable=True)
    queue.put("e" * 20, is_durable=False)
    assert await taken(queue) == ["e" * 10, "d" * 50]


async def test_slight_frames_make_room_for_a_durable_one_before_others() -> None:
    queue = OutboundQueue(max_bytes=100)
    queue.put("e" * 25, is_durable=False)
    queue.put("s" * 25, is_durable=False, is_slight=True)
    queue.put("d" * 70, is_durable=True)
    assert await taken(queue) == ["e" * 25, "d" * 70]


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


FRAMES = st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.booleans()), max_size=60)


@given(FRAMES, st.sampled_from(Policy))
def test_no_durable_frame_is_lost_before_the_reader_is_let_go(frames: Any, policy: Policy) -> None:
    async def scenario() -> None:
        queue = OutboundQueue(max_bytes=200, max_frames=10, policy=policy)
        expected = []
        for number, (size, is_durable, is_slight) in enumerate(frames):
            text = f"{number}:".ljust(size, "x")
            try:
                queue.put(text, is_durable=is_durable, is_slight=is_slight)
            except SlowConsumer:
                return
            expected += [text] if is_durable else []
            assert queue.bytes <= 200
            assert len(queue) <= 10
        found = await taken(queue)
        assert [text for text in found if text in expected] == expected

    asyncio.run(scenario())
