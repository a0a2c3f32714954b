"""What the engine asks of its surroundings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.events.catalogue import Event
from workflows.engine.events import RunEvent
from workflows.engine.state import RunState
from workflows.engine.step import Graphs
from workflows.spec.graph import Graph


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run this worker holds the lease of, with the events on record when it took it.

    ``cancel_reason`` is not empty if the run is to stop.
    """

    id: UUID
    owner: str
    workflow: str
    content_hash: str
    conversation_id: UUID | None
    attempts: int
    started_at: datetime
    cancel_reason: str = ""
    past: tuple[RunEvent, ...] = field(default=(), compare=False, repr=False)

    def text_at(self, state: RunState, scope: str) -> tuple[str, str]:
        """Return name and content hash of what a scope walks: the run's, or its sub-workflow's."""
        workflow, content_hash = state.workflow_of(scope) if scope else ("", "")
        return (workflow, content_hash) if content_hash else (self.workflow, self.content_hash)


class Host(Graphs, Protocol):
    """Supplies graphs and does what only the application can do."""

    def rescue(self, run: ClaimedRun, state: RunState, graph: Graph | None) -> None:
        """Bring a person in for a run that failed. Idempotent: repeated after a crash."""
        ...

    def before_step(self, run: ClaimedRun) -> None:
        """Be told that a step is about to begin, outside every transaction."""
        ...

    def committed(self, run: ClaimedRun, state: RunState, facts: Sequence[RunEvent]) -> None:
        """Note what was just committed (metrics)."""
        ...

    def closing_events(self, run: ClaimedRun, state: RunState) -> Sequence[Event]:
        """Return what to publish with the run's last commit."""
        ...
