"""The bursts bench says what it claims to say, and stops a path where it is told to."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bench import bursts
from bench.support.burst_talks import MESSAGES, PAUSE_SECONDS, bursts_make, parts_of
from bench.support.interleaved import Place

GOOD: dict[str, Any] = {
    "replies_per_burst": 1.0,
    "bursts_with_one_reply": bursts.BURSTS,
    "replies_to_all_five": bursts.BURSTS,
    "burst_messages": bursts.BURSTS * MESSAGES,
    "messages_per_webhook": 1.0,
    "most_per_webhook": 1,
    "ai_after_claim": 0,
    "claims": 300,
}


def test_question_is_said_in_five_parts_that_lose_nothing() -> None:
    question = "How long do I have to return a jacket I already wore once?"
    parts = parts_of(question)
    assert (len(parts), " ".join(parts)) == (MESSAGES, question)
    assert len(parts_of("Too short?")) < MESSAGES


def test_bursts_last_about_two_seconds_and_go_both_ways() -> None:
    made = bursts_make([["a", "b", "c", "d", "e"]], 200, random.Random(1))
    spans = [sum(burst.pauses) for burst in made]
    assert 1.8 < sum(spans) / len(spans) < 2.2
    assert all(
        min(PAUSE_SECONDS) <= pause <= max(PAUSE_SECONDS) for b in made for pause in b.pauses
    )
    assert sum(burst.by_socket for burst in made) == 100


@pytest.mark.parametrize("is_after", [False, True])
def test_path_is_stopped_at_its_place_alone(is_after: bool) -> None:
    log: list[str] = []
    place = Place(2, is_after, lambda: log.append("meanwhile"))
    for sql in ("one", "two", "three"):
        place(lambda sql, *_: log.append(sql), sql, (), False, {})
    expected = (
        ["one", "two", "meanwhile", "three"] if is_after else ["one", "meanwhile", "two", "three"]
    )
    assert (log, place.statements, place.is_reached) == (expected, 3, True)


@pytest.mark.parametrize(
    "worse",
    [
        {"replies_per_burst": 1.002},
        {"bursts_with_one_reply": bursts.BURSTS - 1},
        {"replies_to_all_five": bursts.BURSTS - 1},
        {"most_per_webhook": 2},
        {"ai_after_claim": 1},
    ],
)
def test_one_miss_is_a_failure(worse: dict[str, Any]) -> None:
    assert bursts.targets_hold(GOOD)
    assert not bursts.targets_hold({**GOOD, **worse})
