"""What happens in a run, as facts in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """The kinds of fact a run is made of."""

    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    STEP_COMPLETED = "step.completed"
    STEP_SKIPPED = "step.skipped"
    STEP_FAILED = "step.failed"
    RUN_ENDED = "run.ended"


class RunStatus(StrEnum):
    """Where a run stands; the first two are active, the others final."""

    RUNNING = "running"
    FAILING = "failing"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    HANDED_OVER = "handed_over"

    @property
    def is_active(self) -> bool:
        """Tell whether a worker still has something to do."""
        return self in ACTIVE


ACTIVE = frozenset({RunStatus.RUNNING, RunStatus.FAILING})


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One fact: ``seq`` counts from 1 without holes, ``payload`` is plain JSON."""

    seq: int
    type: EventType
    step_id: str
    payload: Mapping[str, Any]
    at: datetime
