"""The systems that `bench.engine` measures: their processes, and a round of work in one of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from bench.support.engine_meter import ServerMeter, processor_seconds
from bench.support.engine_steps import TENANTS
from config.env import BASE_DIR
from config.scratch import DATABASE

OURS: Final = sys.executable
PEERS: Final = str(BASE_DIR / ".venv-bench" / "bin" / "python")
STOP_SECONDS: Final = 20.0
IDLE_SECONDS: Final = 1.5  # longer than the pause between two looks for lapsed runs
_CELERY: Final = "bench.support.engine_celery"
_WORKER: Final = (
    *("-m", "celery", "-A", _CELERY, "worker", "-Q", "runs", "--loglevel=ERROR"),
    *("--pool=threads", "--concurrency=8", "--without-gossip", "--without-mingle"),
)
_OUR_STEPS: Final = " UNION ALL ".join(
    f"SELECT count(*) AS kept FROM t_bench_{number}.workflows_runevent "  # noqa: S608 - our schema
    "WHERE type = 'step.completed'"
    for number in range(TENANTS)
)


@dataclass(frozen=True, slots=True)
class System:
    """How a system is run, where it writes, and how many steps it has kept there."""

    name: str
    python: str
    module: str
    database: str
    steps_query: str
    helper: Sequence[str] = ()


FRONTDESK_STEPS: Final = f"SELECT sum(kept) FROM ({_OUR_STEPS}) AS tenants"  # noqa: S608 - ours
SYSTEMS: Final = (
    System("frontdesk", OURS, "bench.support.engine_frontdesk", DATABASE, FRONTDESK_STEPS),
    System("frontdesk_celery", OURS, _CELERY, DATABASE, FRONTDESK_STEPS, helper=_WORKER),
    System(
        "dbos",
        PEERS,
        "bench.support.peers.engine_dbos",
        "bench_dbos",
        "SELECT count(*) FROM dbos.operation_outputs",
    ),
    System(
        "langgraph",
        PEERS,
        "bench.support.peers.engine_langgraph",
        "bench_langgraph",
        "SELECT count(*) FROM checkpoints WHERE (metadata->>'step')::int BETWEEN 1 AND 5",
    ),
    System(
        "floor",
        PEERS,
        "bench.support.peers.engine_floor",
        "bench_floor",
        "SELECT count(*) FROM step",
    ),
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took: its calls, the whole and the processors in seconds, the log in bytes."""

    times: Sequence[float]
    seconds: float
    written: float
    processor: float

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.times) * 1000

    @property
    def wal_kb(self) -> float:
        return self.written / 1024 / len(self.times)

    @property
    def cpu_ms(self) -> float:
        return self.processor * 1000 / len(self.times)


@dataclass(slots=True)
class Running:
    """A system's processes, the first of which takes requests, and how much they have done."""

    system: System
    meter: ServerMeter
    processes: Sequence[subprocess.Popen[str]]
    done: int = field(default=0)

    def round(self, *, callers: int, seconds: float, most: int = 1_000_000) -> Round:
        """Let the system work; raises RuntimeError when a workflow failed."""
        ids = [process.pid for process in self.processes]
        written, spent = self.meter.written_bytes(), processor_seconds(ids)
        found = self._asked({"callers": callers, "seconds": seconds, "most": most})
        spent = processor_seconds(ids) - spent
        written = self.meter.written_bytes() - written
        self.done += len(found["times"])
        return Round(found["times"], found["seconds"], written, spent)

    def flushes(self, *, calls: int) -> float:
        """Make some last calls and end the processes; returns the flushes of the log for each.

        What the server counted before has to be reported when it begins. Backends that are busy
        without any workflow (a worker looking for lapsed runs) are another system's, or write
        nothing: they are not waited for.
        """
        idle = self.meter.now()
        time.sleep(IDLE_SECONDS)
        others = set(self.meter.workers_since(idle, self.system.database))
        before, moment = self.meter.flushes(), self.meter.now()
        last = self.round(callers=1, seconds=60.0, most=calls)
        backends = set(self.meter.workers_since(moment, self.system.database)) - others
        self.end()
        self.meter.ended_wait(sorted(backends))
        return (self.meter.flushes() - before) / len(last.times)

    def end(self) -> None:
        """Kill the processes, so that nothing is written by their taking leave."""
        for process in self.processes:
            process.kill()
            process.wait(STOP_SECONDS)

    def _asked(self, request: Mapping[str, float]) -> dict[str, Any]:
        driver = self.processes[0]
        assert driver.stdin
        assert driver.stdout
        print(json.dumps(request), file=driver.stdin, flush=True)
        answer = driver.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.system.name} broke off.")
        found: dict[str, Any] = json.loads(answer)
        return found


@contextmanager
def running(system: System, meter: ServerMeter, dsn: str) -> Iterator[Running]:
    """Run a system's processes; `dsn` is the peers' database, ours is in the environment."""
    environment = {**os.environ, "BENCH_DSN": dsn, "LANGSMITH_TRACING": "false"}
    commands: list[Sequence[str]] = [(system.python, "-m", system.module)]
    if system.helper:
        commands.append((system.python, *system.helper))
    processes = [
        subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    started = Running(system, meter, processes)
    try:
        yield started
    finally:
        started.end()
