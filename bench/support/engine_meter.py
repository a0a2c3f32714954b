"""What a round cost: write-ahead log, flushes, processor time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg

# A backend reports its counters when it ends, otherwise after ten idle seconds at the latest.
REPORT_SECONDS: Final = 10.5
CLOSE_SECONDS: Final = 10.0
_FLUSHES: Final = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
_WRITTEN: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
_WORKED: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = %s AND state_change >= %s
"""
_LEFT: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"


def processor_seconds(process_ids: Sequence[int]) -> float:
    """Return the processor time of running processes so far, all their threads included.

    By the kernel's clock of another process, which is exact to the microsecond where `/proc` counts
    in hundredths of a second; its number is what Linux' `clock_getcpuclockid(3)` returns.
    """
    return sum(time.clock_gettime((~process_id << 3) | 2) for process_id in process_ids)


class ServerMeter:
    """The counters of the server that everything measured writes to."""

    def __init__(self, superuser_dsn: str) -> None:
        self._server = psycopg.connect(superuser_dsn, autocommit=True)

    def value(self, query: str, values: Sequence[object] = ()) -> Any:
        row = self._server.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def database_create(self, name: str) -> None:
        self._server.execute(f'CREATE DATABASE "{name}"'.encode())

    def checkpoint(self) -> None:
        self._server.execute("CHECKPOINT")

    def checkpoints(self) -> int:
        """Return how many checkpoints there were: after each, pages are logged whole once more."""
        return int(self.value("SELECT num_timed + num_requested FROM pg_stat_checkpointer"))

    def written_bytes(self) -> float:
        return float(self.value(_WRITTEN))

    def flushes(self) -> int:
        """Return the flushes of the log that backends have reported so far."""
        return int(self.value(_FLUSHES))

    def now(self) -> object:
        return self.value("SELECT clock_timestamp()")

    def workers_since(self, moment: object, database: str) -> list[int]:
        """Return a database's backends that did anything since then."""
        rows = self._server.execute(_WORKED.encode(), (database, moment)).fetchall()
        return [row[0] for row in rows]

    def ended_wait(self, backends: Sequence[int]) -> None:
        """Wait until these backends are gone, and so have reported; raises TimeoutError."""
        until = time.monotonic() + CLOSE_SECONDS
        while self.value(_LEFT, (list(backends),)):
            if time.monotonic() > until:
                raise TimeoutError("The backends of a killed process did not end.")
            time.sleep(0.05)
