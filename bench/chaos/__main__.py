"""Hold conversations while processes are killed, and count what went wrong: `make chaos`.

`make chaos ARGS="--conversations 1000 --kills 100 --seed 7"`. A stack of its own on its own ports:
two workspaces whose runs reserve and charge in a shop that sometimes acts and loses its reply, and
answer, or are undone. Kill -9 of web, workers, relay, beat, Redis, one backend and the whole
Postgres, each with all it started. Eight customers ask all the time; a gap is the longest time in
which none of them was answered: one over the times that no kill of Postgres was near, one over the
others. The last line is one JSON object; exits 0 only if every count is nought.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from bench.chaos import checks
from bench.chaos.killing import STOPS_ALL, Killer, killing
from bench.chaos.shop import Effects, shop_open
from bench.chaos.stack import SLUGS, Stack, stack_running
from bench.chaos.talking import Talks

AFTERMATH_SECONDS: Final = 8.0  # so long after a kill of Postgres a gap is put down to it


def storm(stack: Stack, options: argparse.Namespace, effects: Effects) -> dict[str, Any]:
    """Talk and kill, wait for calm, and return what was found."""
    chance = random.Random(options.seed)  # noqa: S311 - to be repeated
    talking = Talks(options.conversations, SLUGS, random.Random(options.seed))  # noqa: S311
    killer = Killer(stack, chance, options.kills, (options.pause_min, options.pause_max))
    began = time.monotonic()
    with killing(killer):
        talking.hold(stack, killer.is_over)
    talks = talking.made
    seconds = time.monotonic() - began
    calm = checks.calm_await(stack)
    waited = checks.takeovers(stack)
    pauses = [(after, after - before) for before, after in pairwise(sorted(talking.answered))]
    return {
        "counts": checks.counts_take(stack, talks, effects),
        **gaps(talking.answered, killer.moments),
        "takeover_p99_s": checks.percentile([seconds for _, seconds in waited], 0.99),
        "takeovers": len(waited),
        "longest_gap_after": longest_after(pauses, killer.moments),
        "longest_takeover_after": longest_after(waited, killer.moments),
        "kills": dict(killer.done),
        "conversations": len(talks),
        "messages": sum(len(talk.acknowledged) for talk in talks),
        "replies_lost_by_the_shop": effects.lost_replies,
        "seconds": round(seconds, 1),
        "calm_after_s": round(calm, 1),
        "seed": options.seed,
        "refusals": sorted({text for talk in talks for text in talk.refused}),
    }


def gaps(answered: Sequence[float], moments: Sequence[tuple[float, str]]) -> dict[str, float]:
    """Return the longest time in which nobody was answered, apart from and because of Postgres."""
    stops = [moment for moment, kind in moments if kind in STOPS_ALL]
    apart, because = [0.0], [0.0]
    for before, after in pairwise(sorted(answered)):
        is_near = any(before - AFTERMATH_SECONDS <= moment <= after for moment in stops)
        (because if is_near else apart).append(after - before)
    return {
        "longest_gap_s": round(max(apart), 2),
        "longest_gap_with_postgres_s": round(max(because), 2),
    }


def longest_after(
    spans: Sequence[tuple[float, float]], moments: Sequence[tuple[float, str]]
) -> dict[str, float]:
    """Map each kind of kill to the longest of the spans (end, seconds) in which it was the last."""
    longest: dict[str, float] = {}
    for end, seconds in spans:
        before = [kind for moment, kind in moments if moment <= end]
        if before:
            longest[before[-1]] = round(max(seconds, longest.get(before[-1], 0.0)), 2)
    return longest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the storm; return 1 when anything was lost or happened twice."""
    parser = argparse.ArgumentParser(prog="bench.chaos", description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pause-min", type=float, default=1.0)
    parser.add_argument("--pause-max", type=float, default=6.0)
    options = parser.parse_args(arguments)
    effects = Effects(random.Random(options.seed))  # noqa: S311 - to be repeated
    with shop_open(effects) as url, stack_running(url) as stack:
        result = storm(stack, options, effects)
    print(json.dumps(result))
    return 1 if any(result["counts"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
