"""The small queue and event do what asyncio's do."""

from __future__ import annotations

import asyncio

from core.realtime.slim import Gate, Inbox


async def test_inbox_gives_in_order_and_waits_for_more() -> None:
    inbox = Inbox()
    inbox.put_nowait(1)
    inbox.put_nowait(2)
    assert [await inbox.get(), await inbox.get(), inbox.empty()] == [1, 2, True]
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(3)
    assert await asyncio.wait_for(waiting, 1) == 3


async def test_inbox_survives_a_reader_that_gave_up() -> None:
    inbox = Inbox()
    gone = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    inbox.put_nowait("kept")
    assert await asyncio.wait_for(inbox.get(), 1) == "kept"


async def test_gate_is_open_until_it_is_cleared_and_lets_all_through_again() -> None:
    gate = Gate()
    await asyncio.wait_for(gate.wait(), 1)
    gate.clear()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting[1:])
    gate.set()
    await asyncio.wait_for(asyncio.gather(*waiting[1:]), 1)
    assert gate.is_set()
