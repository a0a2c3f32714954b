"""The storm judges rightly: what it counts is what happened."""

import random

from bench.chaos import checks
from bench.chaos.__main__ import gaps, longest_after
from bench.chaos.shop import Effects
from bench.chaos.talking import MESSAGES, Talks


def test_shop_acts_once_for_a_key_however_often_it_is_asked() -> None:
    effects = Effects(random.Random(1))
    outcomes = {effects.act("key", "charge", "run") for _ in range(200)}
    assert outcomes == {"sent", "lost", "busy"}
    assert effects.of_runs() == {"run": ["charge"]}


def test_saga_is_torn_when_its_effects_neither_stand_nor_are_undone() -> None:
    both, undone = ["storm_reserve", "storm_charge"], ["storm_refund", "storm_release"]
    statuses = {"a": "completed", "b": "completed", "c": "compensated", "d": "compensated"}
    effects = {"a": both, "b": ["storm_reserve"], "c": both + undone, "d": both}
    assert checks._sagas(statuses, effects) == {"effects_twice": 0, "sagas_torn": 2}


def test_effect_under_two_keys_is_counted() -> None:
    effects = {"a": ["storm_reserve", "storm_charge", "storm_charge"]}
    assert checks._sagas({"a": "completed"}, effects)["effects_twice"] == 1


def test_gap_is_put_down_to_postgres_only_near_its_kill() -> None:
    answered = [0.0, 1.0, 4.0, 100.0, 106.0]
    found = gaps(answered, [(101.0, "postgres"), (1.5, "web")])
    assert (found["longest_gap_s"], found["longest_gap_with_postgres_s"]) == (96.0, 6.0)


def test_longest_time_is_named_by_the_last_kill_before_it_ended() -> None:
    moments = [(10.0, "web"), (20.0, "redis"), (30.0, "web")]
    spans = [(5.0, 9.0), (12.0, 1.5), (21.0, 0.4), (33.0, 2.5)]
    assert longest_after(spans, moments) == {"web": 2.5, "redis": 0.4}


def test_conversations_of_a_seed_are_the_same() -> None:
    def texts() -> list[list[str]]:
        talks = Talks(5, ("north", "south"), random.Random(3))
        return [list(talks.next().texts) for _ in range(5)]

    assert texts() == texts()
    assert {len(each) for each in texts()} == {MESSAGES}
