"""Kill -9, at random and with a seed: any process of the stack, one backend, the whole Postgres."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psutil
import psycopg

from bench.chaos.stack import Stack
from config.supervision.records import ProcessRecord, records_load

KINDS: Final = (
    *(
        "web",
        "web-2",
        "realtime",
        "worker-runs",
        "worker-runs",
        "worker-runs-bulk",
        "relay",
        "beat",
    ),
    *("redis", "backend", "postgres"),
)
STOPS_ALL: Final = frozenset({"postgres", "backend"})  # a killed backend takes the others along


@dataclass
class Killer:
    """Kills one after the other, each kind in turn in an order of the seed's."""

    stack: Stack
    random: random.Random
    kills: int
    pause: tuple[float, float]
    done: Counter[str] = field(default_factory=Counter)
    moments: list[tuple[float, str]] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Kill until it is enough."""
        order: list[str] = []
        while len(self.moments) < self.kills and not self.is_over.is_set():
            self.is_over.wait(self.random.uniform(*self.pause))
            order = order or self.random.sample(KINDS, len(KINDS))
            kind = order.pop()
            if self._kill(kind):
                self.moments.append((time.time(), kind))
                self.done[kind] += 1
        self.is_over.set()

    def _kill(self, kind: str) -> bool:
        with suppress(psutil.Error, ProcessLookupError, psycopg.Error):
            if kind == "backend":
                return self._backend_kill()
            for record in records_load(self.stack.layout.records_dir):
                if record.name == kind and record.process() is not None:
                    _group_kill(record)
                    return True
        return False

    def _backend_kill(self) -> bool:
        with self.stack.database() as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
            ).fetchone()
        if row is None:
            return False
        os.kill(int(row[0]), signal.SIGKILL)
        return True


def _group_kill(record: ProcessRecord) -> None:
    """Kill what a process leads; of Postgres the postmaster alone, whose children follow it."""
    if record.name == "postgres":
        os.kill(record.pid, signal.SIGKILL)
        return
    for member in record.group():
        with suppress(psutil.NoSuchProcess):
            member.kill()


@contextmanager
def killing(killer: Killer) -> Iterator[None]:
    """Kill beside the block, until it is enough or the block ends."""
    thread = threading.Thread(target=killer.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        killer.is_over.set()
        thread.join()
