"""A run's events, sorted into the visits that its steps were paid."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.folding import apply
from workflows.engine.state import RunState, scope_is_within
from workflows.spec.graph import Graph

# (scope, step, how often it was visited there before)
Key = tuple[str, str, int]
Given = Callable[[RunState, str, Graph], str | None]
GraphOf = Callable[[str, str], Graph]

_ENDS_OF_A_VISIT = frozenset(
    {EventType.STEP_COMPLETED, EventType.STEP_SKIPPED, EventType.STEP_FAILED}
)
_OF_A_VISIT = _ENDS_OF_A_VISIT | {
    EventType.STEP_RETRIED,
    EventType.SCOPE_OPENED,
    EventType.WAIT_OPENED,
    EventType.WAIT_CLOSED,
    EventType.TOOL_REQUESTED,
    EventType.TOOL_SUCCEEDED,
    EventType.TOOL_FAILED,
}
# Ends that a step brings about; the others come from outside or from failing.
_ENDED_BY_A_STEP = frozenset({RunStatus.HANDED_OVER, RunStatus.SUPERSEDED})
CIRCLES = frozenset({"no_progress", "oscillation"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a step was given and left behind.

    ``given`` is canonical JSON, None where it could not be worked out. ``ends_as`` is set where
    the step ended the run, ``circled`` is the failure that followed because it led nowhere.
    """

    key: Key
    kind: str
    tool: str
    given: str | None
    events: tuple[RunEvent, ...]
    ends_as: RunStatus | None = None
    circled: RunEvent | None = None

    @property
    def last(self) -> RunEvent:
        """Return the event that ended the visit."""
        return self.events[-1]

    @property
    def output(self) -> Mapping[str, Any]:
        """Return what came out; a failure is told by its code."""
        if self.last.type is EventType.STEP_FAILED:
            return {"failed": self.last.payload["code"]}
        output: Mapping[str, Any] = self.last.payload.get("output", {})
        return output

    @property
    def pin(self) -> str:
        """Return the text that a sub-workflow was pinned to when this visit opened it."""
        opened = (event for event in self.events if event.type is EventType.SCOPE_OPENED)
        children = (child for event in opened for child in event.payload["children"])
        return next((child["content_hash"] for child in children if "content_hash" in child), "")


@dataclass(slots=True)
class Record:
    """A run as it went: its first event, its visits in order, and where it stood when it stopped.

    ``frontier`` maps a scope to the step it stood at when the run was no longer running, or now.
    """

    graph_of: GraphOf
    given: Given
    started: RunEvent
    pinned: tuple[str, str]
    state: RunState = field(default_factory=RunState)
    visits: dict[Key, Visit] = field(default_factory=dict)
    frontier: dict[str, str] = field(default_factory=dict)
    _under_way: dict[str, tuple[str | None, list[RunEvent]]] = field(default_factory=dict)

    def read(self, events: Iterable[RunEvent]) -> None:
        """Take in events in order; raises ``JournalCorrupt``."""
        for event in events:
            if self.state.status is RunStatus.RUNNING:
                self._take(event)
            self.state = apply(self.state, event)
            if self.state.status is RunStatus.RUNNING:
                self.frontier = {s: token.cursor for s, token in self.state.tokens.items()}

    def _take(self, event: RunEvent) -> None:
        if event.type is EventType.RUN_MIGRATED:
            self._migrate(event.payload)
        elif event.type is EventType.RUN_ENDED:
            self._end(RunStatus(event.payload["status"]))
        elif event.type in _OF_A_VISIT:
            self._visit(event)

    def _visit(self, event: RunEvent) -> None:
        if event.type is EventType.STEP_FAILED and self._is_aside(event):
            return
        graph = self._graph(event.scope)
        if event.scope not in self._under_way:
            self._under_way[event.scope] = (self.given(self.state, event.scope, graph), [])
        given, gathered = self._under_way[event.scope]
        gathered.append(event)
        if event.type in _ENDS_OF_A_VISIT:
            caught = event.payload.get("caught", {"scope": event.scope})
            self._forget_within(caught["scope"])
            self._keep(event, given, tuple(gathered), graph)

    def _keep(
        self, event: RunEvent, given: str | None, events: tuple[RunEvent, ...], graph: Graph
    ) -> None:
        key = (event.scope, event.step_id, self.state.visits(event.scope, event.step_id))
        node = graph.nodes.get(event.step_id)
        tool = node.tool if node else ""
        self.visits[key] = Visit(key, event.payload["kind"], tool, given, events)

    def _is_aside(self, event: RunEvent) -> bool:
        """Take in a failure that is of no visit: the run's own, or of steps that led nowhere."""
        if not event.payload["kind"]:
            return True
        if event.payload["code"] not in CIRCLES:
            return False
        visits = self.state.visits(event.scope, event.step_id)
        key = (event.scope, event.step_id, visits - 1)
        if key in self.visits:
            self.visits[key] = replace(self.visits[key], circled=event)
        return True

    def _forget_within(self, scope: str) -> None:
        """Drop what was under way in a step that is over, or that a failure has ended."""
        for inside in [s for s in self._under_way if scope_is_within(s, scope)]:
            del self._under_way[inside]

    def _end(self, status: RunStatus) -> None:
        if status in _ENDED_BY_A_STEP and self.visits:
            key = max(self.visits, key=lambda key: self.visits[key].last.seq)
            self.visits[key] = replace(self.visits[key], ends_as=status)

    def _migrate(self, payload: Mapping[str, Any]) -> None:
        """Know what was done under the old names by the new ones."""
        names = payload["mapping"]
        self.pinned = (self.pinned[0], payload.get("to", self.pinned[1]))
        renamed = [
            replace(visit, key=(visit.key[0], names.get(visit.key[1], visit.key[1]), visit.key[2]))
            for visit in self.visits.values()
        ]
        self.visits = {visit.key: visit for visit in renamed}

    def _graph(self, scope: str) -> Graph:
        workflow, content_hash = self.state.workflow_of(scope)
        return self.graph_of(*((workflow, content_hash) if content_hash else self.pinned))
