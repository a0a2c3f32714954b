"""Remember every started process by pid and start time, so that none is ever lost or mistaken."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

KILL_AFTER_SECONDS = 20.0
CLOCK_SLACK = 0.015


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process: a pid alone would name somebody else's process once it is reused."""

    name: str
    pid: int
    created_at: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, name: str, pid: int, stop_signal: int = signal.SIGTERM) -> ProcessRecord:
        """Record a process that runs; raises psutil.NoSuchProcess."""
        return cls(name, pid, started_at(pid), stop_signal)

    def process(self) -> psutil.Process | None:
        """Return the running process, or None if it has ended (a zombie has)."""
        try:
            found = psutil.Process(self.pid)
            is_same = abs(started_at(self.pid) - self.created_at) < CLOCK_SLACK
            return found if is_same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def group(self) -> list[psutil.Process]:
        """Return the living members of the process group it led, itself included.

        The kernel gives a pid to nobody else while its group has members, so a stranger under
        this pid means that the group is gone.
        """
        if self._is_reused():
            return []
        return [found for found in psutil.process_iter() if self._is_member(found)]

    def _is_reused(self) -> bool:
        try:
            return abs(started_at(self.pid) - self.created_at) >= CLOCK_SLACK
        except psutil.NoSuchProcess:
            return False

    def _is_member(self, found: psutil.Process) -> bool:
        try:
            is_later = started_at(found.pid) >= self.created_at - CLOCK_SLACK
            is_grouped = os.getpgid(found.pid) == self.pid
            return is_grouped and is_later and found.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ProcessLookupError, PermissionError):
            return False

    def signal_send(self, number: int) -> None:
        with suppress(psutil.NoSuchProcess):
            if found := self.process():
                found.send_signal(number)


def started_at(pid: int) -> float:
    """Return when a process started; raises psutil.NoSuchProcess.

    On Linux in seconds since the machine's start: unlike the time of day, nobody sets that clock,
    so two processes that ask at different times get the same answer.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        seconds: float = psutil.Process(pid).create_time()
        return seconds
    ticks = stat.rpartition(")")[2].split()[19]  # field 22 of proc(5); names may hold blanks
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def record_write(folder: Path, record: ProcessRecord) -> None:
    json_write(folder / f"{record.name}.json", asdict(record))


def record_remove(folder: Path, name: str) -> None:
    (folder / f"{name}.json").unlink(missing_ok=True)


def records_load(folder: Path) -> list[ProcessRecord]:
    """Return what was recorded; a file cut short by a crash counts as none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json_read(path)
        if content:
            found.append(ProcessRecord(**content))
    return found


def leftovers_stop(folder: Path, seconds: float = KILL_AFTER_SECONDS) -> list[str]:
    """Stop every recorded process that still runs and return their names.

    Each is asked in its own way first, so that databases write their last page; then killed with
    whatever it started.
    """
    records = records_load(folder)
    alive = [record for record in records if record.process() or record.group()]
    for record in alive:
        record.signal_send(record.stop_signal)
    deadline = time.monotonic() + seconds
    while any(record.process() for record in alive) and time.monotonic() < deadline:
        time.sleep(0.05)
    for record in alive:
        group_kill(record)
    for record in records:
        record_remove(folder, record.name)
    return [record.name for record in alive]


def metrics_of_dead_remove(folder: Path) -> None:
    """Remove what ended processes said about themselves alone, such as their open sockets."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)


def group_kill(record: ProcessRecord) -> None:
    """Kill what is left of a process and its group."""
    for found in record.group():
        with suppress(psutil.NoSuchProcess):
            found.kill()


def json_write(path: Path, content: dict[str, Any]) -> None:
    """Write whole or not at all: others read these files at any moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)


def json_read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
