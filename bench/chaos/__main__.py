"""Hold conversations while processes are killed, and count what went wrong: `make chaos`.

`make chaos ARGS="--conversations 1000 --kills 100 --seed 7"`. A stack of its own on its own ports:
two workspaces whose runs reserve and charge in a shop that sometimes acts and loses its reply, and
answer, or are undone. Kill -9 of web, workers, relay, beat, Redis, one backend and the whole
Postgres. Gaps are the longest that a customer waited for an acknowledgement: one over the waits
that no kill of Postgres was near, one over the others. The last line is one JSON object; exits 0
only if every count is nought.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from bench.chaos import checks
from bench.chaos.killing import STOPS_ALL, Killer, killing
from bench.chaos.shop import Effects, shop_open
from bench.chaos.stack import SLUGS, Stack, stack_running
from bench.chaos.talking import Talk, talks_hold, talks_make

AFTERMATH_SECONDS: Final = 8.0  # so long after a kill of Postgres a wait is put down to it


def storm(stack: Stack, options: argparse.Namespace, effects: Effects) -> dict[str, Any]:
    """Talk and kill, wait for calm, and return what was found."""
    chance = random.Random(options.seed)  # noqa: S311 - to be repeated
    talks = talks_make(options.conversations, SLUGS, chance)
    killer = Killer(stack, chance, options.kills, (options.pause_min, options.pause_max))
    began = time.monotonic()
    with killing(killer):
        talks_hold(stack, talks, threading.Event())
    seconds = time.monotonic() - began
    calm = checks.calm_await(stack)
    waited = checks.takeovers(stack)
    return {
        "counts": checks.counts_take(stack, talks, effects),
        **gaps(talks, killer.moments),
        "takeover_p99_s": checks.percentile(waited, 0.99),
        "takeovers": len(waited),
        "kills": dict(killer.done),
        "messages": sum(len(talk.acknowledged) for talk in talks),
        "replies_lost_by_the_shop": effects.lost_replies,
        "seconds": round(seconds, 1),
        "calm_after_s": round(calm, 1),
        "seed": options.seed,
        "refusals": sorted({text for talk in talks for text in talk.refused}),
    }


def gaps(talks: Sequence[Talk], moments: Sequence[tuple[float, str]]) -> dict[str, float]:
    """Return the longest wait for an acknowledgement, apart from and because of Postgres."""
    stops = [moment for moment, kind in moments if kind in STOPS_ALL]
    apart, because = [0.0], [0.0]
    for began, seconds in (wait for talk in talks for wait in talk.waits):
        is_near = any(began - AFTERMATH_SECONDS <= moment <= began + seconds for moment in stops)
        (because if is_near else apart).append(seconds)
    return {
        "longest_gap_s": round(max(apart), 2),
        "longest_gap_with_postgres_s": round(max(because), 2),
    }


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
