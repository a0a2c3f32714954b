"""What the supervisor tells others about itself: a small file, replaced whole."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from config.supervision.records import ProcessRecord, json_read, json_write

READY: Final = "ready"
FAILED: Final = "failed"
STOPPING: Final = "stopping"


@dataclass(frozen=True, slots=True)
class StackState:
    """Who supervises, how far the start has come, and where the stack answers."""

    pid: int
    created_at: float
    phase: str
    detail: str = ""
    web_url: str = ""

    @property
    def is_supervised(self) -> bool:
        return ProcessRecord("supervisor", self.pid, self.created_at).process() is not None


def state_load(path: Path) -> StackState | None:
    """Return the last state written, whether or not its supervisor still lives."""
    content = json_read(path)
    return StackState(**content) if content else None


class StateWriter:
    """Write this process's state as it changes."""

    def __init__(self, path: Path, *, web_url: str) -> None:
        self.path = path
        own = ProcessRecord.of("supervisor", os.getpid())
        self.state = StackState(own.pid, own.created_at, "starting", web_url=web_url)

    def tell(self, phase: str, detail: str = "") -> None:
        if (self.state.phase, self.state.detail) == (phase, detail):
            return
        self.state = replace(self.state, phase=phase, detail=detail)
        json_write(self.path, asdict(self.state))
