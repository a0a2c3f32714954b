"""What overtook on its way is put back in order, and what is lost holds nobody up."""

from __future__ import annotations

import asyncio
import random

import pytest

from core.realtime import reordering
from core.realtime.reordering import Reordering
from core.realtime.wire import Packet


def packet(seq: int) -> Packet:
    return Packet(text=str(seq), is_durable=True, seq=seq)


def taken(*seqs: int) -> tuple[list[int], Reordering]:
    """Return what was forwarded of packets that came in this order, and the sequence."""
    heard: list[int] = []
    sequence = Reordering(lambda each: heard.append(each.seq))
    for seq in seqs:
        sequence.take(packet(seq))
    return heard, sequence


async def test_what_is_early_waits_for_what_was_overtaken() -> None:
    heard, _ = taken(7, 9, 10, 8, 11)
    assert heard == [7, 8, 9, 10, 11]


async def test_first_that_is_heard_begins_wherever_it_is() -> None:
    heard, _ = taken(412)
    assert heard == [412]


async def test_what_is_doubled_or_late_is_passed_on_for_followers_to_judge() -> None:
    heard, _ = taken(1, 2, 1, 2, 3)
    assert heard == [1, 2, 1, 2, 3]


async def test_what_does_not_come_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reordering, "HOLD_SECONDS", 0.01)
    heard, sequence = taken(1, 4, 3)
    assert heard == [1]
    await asyncio.sleep(0.1)
    assert heard == [1, 3, 4]
    sequence.take(packet(5))
    sequence.take(packet(2))
    assert heard == [1, 3, 4, 5, 2]


async def test_nothing_is_forwarded_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reordering, "HOLD_SECONDS", 0.01)
    heard, sequence = taken(1, 3)
    sequence.close()
    await asyncio.sleep(0.05)
    assert heard == [1]


@pytest.mark.parametrize("seed", range(20))
async def test_any_small_disorder_comes_out_in_order(seed: int) -> None:
    chance = random.Random(seed)
    seqs = list(range(1, 60))
    said = [1, *sorted(seqs[1:], key=lambda seq: seq + chance.uniform(0, 8))]
    heard, _ = taken(*said)
    assert heard == seqs
