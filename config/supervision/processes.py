"""Start one process, watch it, restart it with growing pauses, stop it with all it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.embedded import run_as_arguments
from config.supervision.layout import BASE_DIR
from config.supervision.records import ProcessRecord, group_kill, record_remove, record_write

BACKOFF_FIRST: Final = 0.1
BACKOFF_LIMIT: Final = 30.0
# Who lasted so long did not fail at the start: the next pause is the first one again.
STABLE_SECONDS: Final = 10.0
FAILURES_ALLOWED: Final = 5
LOG_LIMIT: Final = 20 * 1024 * 1024
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run and how to tell that it is well."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    run_as: str | None = None
    folder: Path = BASE_DIR
    is_healthy: Callable[[ProcessRecord], bool] | None = None
    healthy_within: float = 60.0


def _die_with_parent(stop_signal: int) -> Callable[[], None]:
    """Return what a child does first: ask the kernel for a signal when the supervisor is gone."""
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


class ManagedProcess:
    """A process the supervisor answers for."""

    def __init__(self, spec: ProcessSpec, *, log: Path, records: Path) -> None:
        self.spec = spec
        self.log = log
        self.records = records
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._record: ProcessRecord | None = None
        self._started_at = 0.0
        self._pause = BACKOFF_FIRST
        self._start_after: float | None = None
        self._failures = 0

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    @property
    def age(self) -> float:
        return time.monotonic() - self._started_at

    def start(self) -> None:
        """Start it in a session of its own and record it."""
        log_rotate(self.log)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - commands come from this package
                self.spec.command,
                cwd=self.spec.folder,
                env={**os.environ, **self.spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(self.spec.stop_signal),
                **run_as_arguments(self.spec.run_as),
            )
        self._started_at = time.monotonic()
        self._start_after = None
        self._failures = 0
        self._record = ProcessRecord.of(self.spec.name, self._process.pid, self.spec.stop_signal)
        record_write(self.records, self._record)

    def watch(self) -> str | None:
        """Restart it if it ended or hangs; return what happened, in words, or None."""
        log_rotate(self.log)
        if self._start_after is not None:
            return self._restart_when_due()
        if not self.is_alive:
            return self._restart_plan(f"ended with code {self.exit_code}")
        if self.age > STABLE_SECONDS:
            self._pause = BACKOFF_FIRST
        if self.age > self.spec.healthy_within and self._is_hanging():
            self.kill()
            return self._restart_plan("stopped answering")
        return None

    def _is_hanging(self) -> bool:
        if self.spec.is_healthy is None or self._record is None:
            return False
        self._failures = 0 if self.spec.is_healthy(self._record) else self._failures + 1
        return self._failures >= FAILURES_ALLOWED

    def _restart_plan(self, reason: str) -> str:
        pause, self._pause = self._pause, min(self._pause * 2, BACKOFF_LIMIT)
        self._start_after = time.monotonic() + pause
        if self._record:
            group_kill(self._record)
        return f"{self.spec.name} {reason}; restarting in {pause:.1f} s"

    def _restart_when_due(self) -> str | None:
        if self._start_after is None or time.monotonic() < self._start_after:
            return None
        self.restarts += 1
        self.start()
        return f"{self.spec.name} restarted ({self.restarts})"

    def stop_ask(self) -> None:
        """Ask it to end; `stop_finish` waits."""
        if self.is_alive and self._process is not None:
            self._process.send_signal(self.spec.stop_signal)

    def stop_finish(self, deadline: float) -> None:
        """Wait for the end until `deadline` (monotonic), then kill it and all it started."""
        if self._process is None or self._record is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        self.kill()
        record_remove(self.records, self.spec.name)

    def kill(self) -> None:
        if self._record is not None and self._process is not None:
            group_kill(self._record)
            self._process.wait()


def log_rotate(path: Path) -> None:
    """Keep one older copy of a log grown large; writers append, so truncating is safe."""
    if not path.exists() or path.stat().st_size < LOG_LIMIT:
        return
    older = path.with_suffix(".log.1")
    older.write_bytes(path.read_bytes())
    os.truncate(path, 0)
