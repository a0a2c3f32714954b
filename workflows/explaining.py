"""Tell a run's story from its events: what was asked, what was found, what was said, and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workflows.drawing import Drawing, Trail, graph_draw
from workflows.engine.events import EventType, RunEvent
from workflows.engine.folding import JournalCorrupt, fold
from workflows.engine.state import RunState, Undo, Wait
from workflows.spec.graph import Graph
from workflows.spec.kinds import END

SCALE = 1000
_OUTCOMES = {
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_SKIPPED: "skipped",
    EventType.STEP_FAILED: "failed",
}
# What else the timeline shows: attempts that failed and were repeated, and calls of tools.
_SHOWN = {
    **_OUTCOMES,
    EventType.STEP_RETRIED: "retried",
    EventType.TOOL_SUCCEEDED: "called",
    EventType.TOOL_FAILED: "call_failed",
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """One visit to a step, an attempt at it, or a tool's call within it.

    ``offset`` and ``width`` are thousandths of the run's duration; ``scope`` is the body the step
    stands in, as in ``each/3``, and "" for the workflow itself.
    """

    step_id: str
    scope: str
    kind: str
    outcome: str
    duration_ms: float
    offset: int
    width: int
    summary: str


@dataclass(frozen=True, slots=True)
class SentenceView:
    """A sentence of a passage, and whether the answer rests on it."""

    text: str
    score: float
    is_cited: bool


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage as the run saw it."""

    number: int
    title: str
    heading: str
    url: str
    score: float
    is_cited: bool
    sentences: tuple[SentenceView, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its payload as readable JSON."""

    event: RunEvent
    payload: str


@dataclass(frozen=True, slots=True)
class WaitView:
    """Something a run waits for: of whom in ``kind``, what it asks in ``text``."""

    step_id: str
    kind: str
    text: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class RunStory:
    """Everything the run page shows."""

    state: RunState
    question: str
    reply: Mapping[str, Any] | None
    route: Mapping[str, Any] | None
    search: Mapping[str, Any] | None
    completion: Mapping[str, Any] | None
    passages: tuple[PassageView, ...]
    rows: tuple[StepRow, ...]
    events: tuple[EventRow, ...]
    drawing: Drawing | None
    duration_ms: float

    @property
    def visits(self) -> int:
        """How many times a step came to an end."""
        return len(self.state.records)

    @property
    def waits(self) -> tuple[WaitView, ...]:
        """What the run waits for now."""
        if not self.state.status.is_active:
            return ()
        held = self.state.tokens.values()
        return tuple(_wait_view(token.cursor, token.wait) for token in held if token.wait)

    @property
    def undos(self) -> tuple[Undo, ...]:
        """What is undone, in the order of undoing: the last step first."""
        return tuple(reversed(self.state.undos))


def run_explain(events: Sequence[RunEvent], graph: Graph | None) -> RunStory:
    """Fold the events and gather what they say; without its graph there is no drawing.

    Events that cannot be folded are still listed.
    """
    state = _state(events)
    completion = state.latest("llm")
    search = state.latest("knowledge")
    return RunStory(
        state=state,
        question=str(state.input.get("text", "")),
        reply=state.latest("reply"),
        route=state.latest("router"),
        search=search,
        completion=completion,
        passages=_passages(search, completion),
        rows=_rows(events),
        events=tuple(EventRow(event, _readable(event.payload)) for event in events),
        drawing=graph_draw(graph, _trail(state)) if graph else None,
        duration_ms=_milliseconds(events[0].at, events[-1].at) if events else 0.0,
    )


def _wait_view(step_id: str, wait: Wait) -> WaitView:
    until = datetime.fromisoformat(wait.until) if wait.until else None
    text = str(wait.data.get("title") or wait.data.get("text") or "")
    return WaitView(step_id, wait.kind, text, until)


def _state(events: Sequence[RunEvent]) -> RunState:
    try:
        return fold(events)
    except JournalCorrupt:
        return RunState()


def _trail(state: RunState) -> Trail:
    outcomes = {record.step_id: _OUTCOMES[record.outcome] for record in state.records}
    taken = {(record.step_id, record.next) for record in state.records if record.next != END}
    current = state.cursor if state.status.is_active and state.cursor != END else ""
    return Trail(outcomes, frozenset(taken), current)


def _passages(
    search: Mapping[str, Any] | None, completion: Mapping[str, Any] | None
) -> tuple[PassageView, ...]:
    cited = {
        (item["evidence_number"], item["sentence_index"])
        for item in (completion or {}).get("cited", ())
    }
    numbered = enumerate((search or {}).get("passages", ()), start=1)
    return tuple(_passage(number, passage, cited) for number, passage in numbered)


def _passage(number: int, passage: Mapping[str, Any], cited: set[tuple[int, int]]) -> PassageView:
    return PassageView(
        number=number,
        title=passage["title"],
        heading=passage["heading"],
        url=passage["url"],
        score=passage["score"],
        is_cited=any(number == of for of, _index in cited),
        sentences=tuple(
            SentenceView(sentence["text"], sentence["score"], (number, index) in cited)
            for index, sentence in enumerate(passage["sentences"])
        ),
    )


def _rows(events: Sequence[RunEvent]) -> tuple[StepRow, ...]:
    if not events:
        return ()
    began = events[0].at
    total = max(_milliseconds(began, events[-1].at), 0.001)
    kinds = {event.step_id: str(event.payload.get("kind", "")) for event in events}
    requested: dict[tuple[str, str], datetime] = {}
    rows = []
    for event in events:
        if event.type is EventType.TOOL_REQUESTED:
            requested[_place(event)] = event.at
        elif event.type in _SHOWN:
            duration = _duration(event, requested)
            rows.append(_row(event, kinds[event.step_id], duration, began, total))
    return tuple(rows)


def _place(event: RunEvent) -> tuple[str, str]:
    return str(event.payload.get("scope", "")), event.step_id


def _duration(event: RunEvent, requested: Mapping[tuple[str, str], datetime]) -> float:
    """Return milliseconds: as measured, of a call from its request on record to its outcome."""
    if event.type in (EventType.TOOL_SUCCEEDED, EventType.TOOL_FAILED):
        return _milliseconds(requested.get(_place(event), event.at), event.at)
    return float(event.payload.get("duration_ms", 0.0))


def _row(event: RunEvent, kind: str, duration: float, began: datetime, total: float) -> StepRow:
    offset = _milliseconds(began, event.at - timedelta(milliseconds=duration))
    at = min(max(0, round(offset / total * SCALE)), SCALE - 4)
    return StepRow(
        step_id=event.step_id,
        scope=_place(event)[0],
        kind=str(event.payload.get("tool") or event.payload.get("kind") or kind),
        outcome=_SHOWN[event.type],
        duration_ms=duration,
        offset=at,
        width=min(max(4, round(duration / total * SCALE)), SCALE - at),
        summary=_summary(event),
    )


def _summary(event: RunEvent) -> str:
    """Say in a few words what came out: the exported values, the way taken, or the error."""
    payload = event.payload
    if "code" in payload:
        return f"{payload['code']}: {payload.get('detail', '')}".removesuffix(": ")
    output = payload.get("output", {})
    if "because" in output:
        return f"{output['because']} → {output['taken']}"
    exports = payload.get("exports", {}).items()
    return ", ".join(f"{name} = {_brief(value)}" for name, value in exports)


def _readable(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=2)


def _brief(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)[:60]


def _milliseconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
