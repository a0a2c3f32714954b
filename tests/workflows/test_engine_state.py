"""State is a pure fold: by prefixes or at once, on any worker, always the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.folding import JournalCorrupt, apply, fold
from workflows.engine.state import RunState

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=3)
NAMES = st.sampled_from(["route", "search", "answer"])
# A busy machine is no reason to fail.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def event(seq: int, fact: EventType, step_id: str = "", **payload: Any) -> RunEvent:
    return RunEvent(seq, fact, step_id, payload, BEGAN + timedelta(seconds=seq))


@st.composite
def middles(draw: st.DrawFn, seq: int) -> RunEvent:
    kind = draw(
        st.sampled_from([EventType.STEP_COMPLETED, EventType.STEP_SKIPPED, EventType.RUN_RESUMED])
    )
    if kind is EventType.RUN_RESUMED:
        return event(seq, kind, attempt=draw(st.integers(2, 9)))
    step = {"kind": draw(NAMES), "next": draw(NAMES)}
    if kind is EventType.STEP_SKIPPED:
        return event(seq, kind, draw(NAMES), **step)
    done = {"output": draw(RECORDS), "exports": draw(RECORDS), "result": draw(RECORDS)}
    cost = {"cost_micro": draw(st.integers(0, 999)), "currency": "USD"}
    return event(seq, kind, draw(NAMES), **step, **done, **cost)


@st.composite
def histories(draw: st.DrawFn) -> list[RunEvent]:
    events = [event(1, EventType.RUN_STARTED, input=draw(RECORDS), next="route")]
    events += [draw(middles(seq)) for seq in range(2, 2 + draw(st.integers(0, 8)))]
    if draw(st.booleans()):
        failure = {"kind": "answer", "code": "x", "detail": "y"}
        events.append(event(len(events) + 1, EventType.STEP_FAILED, "answer", **failure))
    if draw(st.booleans()):
        status = draw(st.sampled_from(["completed", "failed", "superseded", "handed_over"]))
        events.append(event(len(events) + 1, EventType.RUN_ENDED, status=status))
    return events


@UNHURRIED
@given(histories(), st.data())
def test_fold_by_prefixes_equals_fold_at_once(history: list[RunEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(history)))
    assert fold(history[cut:], fold(history[:cut])) == fold(history)


@UNHURRIED
@given(histories())
def test_fold_is_deterministic_and_survives_json(history: list[RunEvent]) -> None:
    stored = [
        RunEvent(e.seq, e.type, e.step_id, json.loads(json.dumps(e.payload)), e.at) for e in history
    ]
    assert fold(stored) == fold(history) == fold(history)


@UNHURRIED
@given(histories())
def test_fold_changes_no_event_and_no_earlier_state(history: list[RunEvent]) -> None:
    before = json.dumps([dict(e.payload) for e in history])
    states = [fold(history[:n]) for n in range(len(history) + 1)]
    assert states == [fold(history[:n]) for n in range(len(history) + 1)]
    assert json.dumps([dict(e.payload) for e in history]) == before


@UNHURRIED
@given(histories())
def test_state_counts_costs_and_events(history: list[RunEvent]) -> None:
    state = fold(history)
    assert state.seq == len(history)
    assert state.cost_micro == sum(e.payload.get("cost_micro", 0) for e in history)


@UNHURRIED
@given(histories(), st.data())
def test_hole_or_repetition_is_refused(history: list[RunEvent], data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, 20).filter(lambda seq: seq != len(history) + 1))
    with pytest.raises(JournalCorrupt):
        apply(fold(history), event(wrong, EventType.RUN_RESUMED, attempt=2))


def test_nothing_follows_the_end() -> None:
    over = fold(
        [
            event(1, EventType.RUN_STARTED, input={}, next="a"),
            event(2, EventType.RUN_ENDED, status="completed"),
        ]
    )
    assert over.status is RunStatus.COMPLETED
    with pytest.raises(JournalCorrupt):
        apply(over, event(3, EventType.RUN_RESUMED, attempt=2))


def test_run_starts_once() -> None:
    started = event(1, EventType.RUN_STARTED, input={}, next="a")
    with pytest.raises(JournalCorrupt):
        apply(RunState(), event(1, EventType.RUN_RESUMED, attempt=1))
    with pytest.raises(JournalCorrupt):
        apply(fold([started]), event(2, EventType.RUN_STARTED, input={}, next="a"))


def test_latest_output_of_a_kind_wins() -> None:
    done = {"kind": "search", "exports": {}, "next": "x"}
    state = fold(
        [
            event(1, EventType.RUN_STARTED, input={}, next="a"),
            event(2, EventType.STEP_COMPLETED, "a", output={"n": 1}, **done),
            event(3, EventType.STEP_COMPLETED, "b", output={"n": 2}, **done),
            event(4, EventType.STEP_SKIPPED, "c", kind="search", next="y"),
        ]
    )
    assert state.latest("search") == {"n": 2}
    assert state.latest("reply") is None
    assert state.outputs == {"a": {"n": 1}, "b": {"n": 2}}
