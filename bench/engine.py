"""Time a workflow of five trivial durable steps: ours, DBOS, LangGraph, and bare inserts.

`make bench NAME=engine`; ARGS=2 for two rounds and a quick look. Ours in one process and through
Celery; DBOS; LangGraph with its Postgres saver; five inserts. Each in processes of its own, in
turns, on one Postgres with fsync on that the bench starts; told are medians over the rounds.

The server makes a checkpoint before the warm-up, and none after it: the warm-up touches the pages
that are written again and again, so that the copies of whole pages that follow a checkpoint in the
log lie behind when the rounds begin. `wf_per_s_c1`, `p50_ms`, `wal_kb` and `cpu_ms` (of a system's
processes, Postgres and Redis apart) are of one caller, `wf_per_s_c8` of eight. `wal_flushes` is of
a last round each, since backends report theirs late. The ratios are ours to the better of DBOS and
LangGraph in the same round. The last line is one JSON object; exits 0 only if every workflow left
its five steps in the database and every target was met.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urlsplit

from bench.support import engine_steps
from bench.support.engine_driver import MOST_CALLERS
from bench.support.engine_meter import REPORT_SECONDS, ServerMeter
from bench.support.engine_systems import SYSTEMS, Round, Running, running
from config.scratch import DATABASE, scratch_servers

ROUNDS: Final = 7
ROUND_SECONDS: Final = 1.5
WARM_SECONDS: Final = 3.0
FLUSH_CALLS: Final = 200
STEPS: Final = len(engine_steps.NAMES)
PEERS: Final = ("dbos", "langgraph")
CALLERS: Final = (1, MOST_CALLERS)
Rounds = Mapping[str, Sequence[Round]]  # by system, in the order they were taken


def warm_up(systems: Sequence[Running], meter: ServerMeter) -> None:
    """Begin with a checkpoint and touch what is written to again and again."""
    meter.checkpoint()
    for system in systems:
        for callers in reversed(CALLERS):
            system.round(callers=callers, seconds=WARM_SECONDS)


def rounds_take(systems: Sequence[Running], count: int) -> dict[int, Rounds]:
    """Return the rounds by number of callers; each round begins with another system."""
    taken: dict[int, dict[str, list[Round]]] = {
        callers: {system.system.name: [] for system in systems} for callers in CALLERS
    }
    for number in range(count):
        first = number % len(systems)
        for callers in CALLERS:
            for system in (*systems[first:], *systems[:first]):
                found = system.round(callers=callers, seconds=ROUND_SECONDS)
                taken[callers][system.system.name].append(found)
    return {callers: dict(rounds) for callers, rounds in taken.items()}


def flushes_take(systems: Sequence[Running]) -> dict[str, float]:
    """Return each system's flushes of the log for a workflow, and end it."""
    time.sleep(REPORT_SECONDS)
    return {system.system.name: system.flushes(calls=FLUSH_CALLS) for system in systems}


def steps_missing(systems: Sequence[Running], dsn: Callable[[str], str]) -> dict[str, int]:
    """Return by database how many steps of the workflows that were done are not in it."""
    wanted: dict[str, int] = {}
    queries = {}
    for system in systems:
        database = system.system.database
        wanted[database] = wanted.get(database, 0) + STEPS * system.done
        queries[database] = system.system.steps_query
    kept = {name: int(ServerMeter(dsn(name)).value(query)) for name, query in queries.items()}
    return {name: count - kept[name] for name, count in wanted.items()}


def figures(one: Sequence[Round], many: Sequence[Round], flushes: float) -> dict[str, float]:
    """Return a system's figures: medians over its rounds with one caller and with many."""

    def median(rounds: Sequence[Round], name: str) -> float:
        return float(statistics.median(getattr(each, name) for each in rounds))

    return {
        "wf_per_s_c1": round(median(one, "per_second"), 1),
        "p50_ms": round(median(one, "p50_ms"), 2),
        f"wf_per_s_c{MOST_CALLERS}": round(median(many, "per_second"), 1),
        "wal_flushes": round(flushes, 2),
        "wal_kb": round(median(one, "wal_kb"), 2),
        "cpu_ms": round(median(one, "cpu_ms"), 2),
    }


def ratio(rounds: Rounds) -> float:
    """Return ours to the better peer: the median of what the rounds say."""
    peers = zip(*(rounds[name] for name in PEERS), strict=True)
    pairs = zip(rounds["frontdesk"], peers, strict=True)
    shares = [ours.per_second / max(peer.per_second for peer in theirs) for ours, theirs in pairs]
    return float(statistics.median(shares))


def targets(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each target with what was measured and whether that meets it."""
    ours, celery = result["frontdesk"], result["frontdesk_celery"]
    least = {
        "wf_per_s_c1": (ours["wf_per_s_c1"], 200.0),
        "ratio_c1": (result["ratio_c1"], 2.5),
        "ratio_c8": (result["ratio_c8"], 4.0),
        "celery_wf_per_s_c1": (celery["wf_per_s_c1"], 120.0),
    }
    most = {
        "wal_flushes": (ours["wal_flushes"], 6.5),
        "wal_kb": (ours["wal_kb"], 4.0),
        "cpu_ms": (ours["cpu_ms"], 2.5),
    }
    found = {name: _target(value, ">=", bound) for name, (value, bound) in least.items()}
    return found | {name: _target(value, "<=", bound) for name, (value, bound) in most.items()}


def _target(value: float, relation: str, bound: float) -> dict[str, Any]:
    is_met = value >= bound if relation == ">=" else value <= bound
    return {"value": value, "target": f"{relation} {bound:g}", "met": is_met}


def measure(systems: Sequence[Running], meter: ServerMeter, count: int) -> dict[str, Any]:
    """Return the figures of every system, the ratios and the targets; ends the systems."""
    warm_up(systems, meter)
    checkpoints = meter.checkpoints()
    rounds = rounds_take(systems, count)
    flushes = flushes_take(systems)
    result: dict[str, Any] = {
        name: figures(rounds[1][name], rounds[MOST_CALLERS][name], flushed)
        for name, flushed in flushes.items()
    }
    result |= {f"ratio_c{callers}": round(ratio(taken), 2) for callers, taken in rounds.items()}
    result["rounds"] = count
    result["checkpoints"] = meter.checkpoints() - checkpoints
    result["targets"] = targets(result)
    return result


def dsn_of(superuser_dsn: str, database: str) -> str:
    return urlsplit(superuser_dsn)._replace(path=f"/{database}").geturl()


def main(count: int) -> int:
    """Run the bench; return 1 when a step is missing or a target was missed."""
    with scratch_servers() as postgres, ExitStack() as opened:
        import django

        django.setup()
        engine_steps.tenants_prepare()
        meter = ServerMeter(postgres.superuser_dsn)
        systems = []
        for system in SYSTEMS:
            if system.database != DATABASE:
                meter.database_create(system.database)
            dsn = dsn_of(postgres.superuser_dsn, system.database)
            systems.append(opened.enter_context(running(system, meter, dsn)))
        result = measure(systems, meter, count)
        missing = steps_missing(systems, lambda name: dsn_of(postgres.superuser_dsn, name))
    result["steps_missing"] = sum(missing.values())
    print(json.dumps(result))
    is_met = all(target["met"] for target in result["targets"].values())
    return 0 if is_met and not any(missing.values()) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
