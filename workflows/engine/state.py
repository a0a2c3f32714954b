"""A run's state is a pure fold over its events: same events, same state, on any worker."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from workflows.engine.events import EventType, RunEvent, RunStatus


class JournalCorrupt(Exception):
    """Events that cannot follow each other: a hole in the numbers, or a fact after the end."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What one visit to a step left behind."""

    step_id: str
    kind: str
    outcome: EventType
    output: Mapping[str, Any]
    next: str


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything the next step needs: where the run stands and what it has gathered."""

    seq: int = 0
    status: RunStatus = RunStatus.RUNNING
    cursor: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[StepRecord, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    cost_micro: int = 0
    currency: str = ""

    def latest(self, kind: str) -> Mapping[str, Any] | None:
        """Return the output of the last completed step of a kind."""
        for record in reversed(self.records):
            if record.kind == kind and record.outcome is EventType.STEP_COMPLETED:
                return record.output
        return None

    @property
    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """Map each completed step to its output."""
        return {
            record.step_id: record.output
            for record in self.records
            if record.outcome is EventType.STEP_COMPLETED
        }


def fold(events: Iterable[RunEvent], state: RunState | None = None) -> RunState:
    """Apply events in order, from the beginning or from a state already reached."""
    return reduce(apply, events, state or RunState())


def apply(state: RunState, event: RunEvent) -> RunState:
    """Return the state after one more event; raises ``JournalCorrupt`` if it cannot follow."""
    if event.seq != state.seq + 1:
        raise JournalCorrupt(f"event {event.seq} follows {state.seq}")
    if (event.type is EventType.RUN_STARTED) is (state.seq > 0):
        raise JournalCorrupt(f"{event.type} cannot be number {event.seq}")
    if not state.status.is_active:
        raise JournalCorrupt(f"{event.type} follows the end of the run")
    return replace(_APPLY[event.type](state, event), seq=event.seq)


def _started(state: RunState, event: RunEvent) -> RunState:
    return replace(state, input=event.payload["input"], cursor=event.payload["next"])


def _resumed(state: RunState, event: RunEvent) -> RunState:
    return state


def _completed(state: RunState, event: RunEvent) -> RunState:
    payload = event.payload
    return replace(
        state,
        cursor=payload["next"],
        values={**state.values, **payload["exports"]},
        records=(*state.records, _record(event)),
        result={**state.result, **payload.get("result", {})},
        cost_micro=state.cost_micro + payload.get("cost_micro", 0),
        currency=payload.get("currency", state.currency),
    )


def _skipped(state: RunState, event: RunEvent) -> RunState:
    records = (*state.records, _record(event))
    return replace(state, cursor=event.payload["next"], records=records)


def _failed(state: RunState, event: RunEvent) -> RunState:
    error = {"code": event.payload["code"], "detail": event.payload["detail"]}
    records = (*state.records, _record(event))
    return replace(state, status=RunStatus.FAILING, error=error, records=records)


def _ended(state: RunState, event: RunEvent) -> RunState:
    return replace(state, status=RunStatus(event.payload["status"]), cursor="")


def _record(event: RunEvent) -> StepRecord:
    payload = event.payload
    return StepRecord(
        step_id=event.step_id,
        kind=payload["kind"],
        outcome=event.type,
        output=payload.get("output", {}),
        next=payload.get("next", ""),
    )


_APPLY: dict[EventType, Callable[[RunState, RunEvent], RunState]] = {
    EventType.RUN_STARTED: _started,
    EventType.RUN_RESUMED: _resumed,
    EventType.STEP_COMPLETED: _completed,
    EventType.STEP_SKIPPED: _skipped,
    EventType.STEP_FAILED: _failed,
    EventType.RUN_ENDED: _ended,
}
