"""What happens in a run, as facts in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """The kinds of fact a run is made of."""

    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_CANCELLED = "run.cancelled"
    RUN_MIGRATED = "run.migrated"
    RUN_ENDED = "run.ended"
    STEP_COMPLETED = "step.completed"
    STEP_SKIPPED = "step.skipped"
    STEP_RETRIED = "step.retried"
    STEP_FAILED = "step.failed"
    SCOPE_OPENED = "scope.opened"
    WAIT_OPENED = "wait.opened"
    WAIT_CLOSED = "wait.closed"
    TOOL_REQUESTED = "tool.call.requested"
    TOOL_SUCCEEDED = "tool.call.succeeded"
    TOOL_FAILED = "tool.call.failed"
    COMPENSATION_REQUESTED = "compensation.requested"
    COMPENSATION_SUCCEEDED = "compensation.succeeded"
    COMPENSATION_FAILED = "compensation.failed"
    COMPENSATION_ABANDONED = "compensation.abandoned"
    COMPENSATION_REDRIVEN = "compensation.redriven"


class RunStatus(StrEnum):
    """Where a run stands; those in ``ACTIVE`` go on, the others are final."""

    RUNNING = "running"
    WAITING = "waiting"
    FAILING = "failing"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATED = "compensated"
    STUCK = "stuck"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    HANDED_OVER = "handed_over"

    @property
    def is_active(self) -> bool:
        """Tell whether a worker still has something to do."""
        return self in ACTIVE


ACTIVE = frozenset(
    {RunStatus.RUNNING, RunStatus.WAITING, RunStatus.FAILING, RunStatus.COMPENSATING}
)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One fact: ``seq`` counts from 1 without holes, ``payload`` is plain JSON.

    What happens inside a container's body names its scope in the payload.
    """

    seq: int
    type: EventType
    step_id: str
    payload: Mapping[str, Any]
    at: datetime
    # The payload as it is stored, if it was encoded already.
    text: str = field(default="", compare=False, repr=False)

    @property
    def scope(self) -> str:
        """Return the line of execution this belongs to; "" is the run's own."""
        return str(self.payload.get("scope", ""))
