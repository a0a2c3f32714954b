"""The pure fold: same events, same state, on any worker and byte for byte."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.state import (
    Answer,
    Call,
    Finished,
    RunState,
    StepRecord,
    Token,
    Undo,
    Wait,
    is_in_sub_workflow,
    scope_is_within,
    scope_join,
    scope_parent,
)
from workflows.spec.kinds import END


class JournalCorrupt(Exception):
    """Events that cannot follow each other: a hole in the numbers, or a fact after the end."""


Tokens = Mapping[str, Token]
Changes = dict[str, Any]  # the fields of the state that an event sets


def fold(events: Iterable[RunEvent], state: RunState | None = None) -> RunState:
    """Apply events in order, from the beginning or from a state already reached."""
    return reduce(apply, events, state or RunState())


def apply(state: RunState, event: RunEvent) -> RunState:
    """Return the state after one more event; raises ``JournalCorrupt`` if it cannot follow."""
    if event.seq != state.seq + 1:
        raise JournalCorrupt(f"event {event.seq} follows {state.seq}")
    if (event.type is EventType.RUN_STARTED) is (state.seq > 0):
        raise JournalCorrupt(f"{event.type} cannot be number {event.seq}")
    if not state.status.is_active and event.type is not EventType.COMPENSATION_REDRIVEN:
        raise JournalCorrupt(f"{event.type} follows the end of the run")
    if event.scope not in state.tokens and event.type in _OF_A_TOKEN:
        raise JournalCorrupt(f"{event.type} in '{event.scope}', which is not open")
    return replace(state, seq=event.seq, **_APPLY[event.type](state, event))


def _started(state: RunState, event: RunEvent) -> Changes:
    tokens = {"": Token(event.payload["next"])}
    return dict(input=event.payload["input"], tokens=tokens)


def _unchanged(state: RunState, event: RunEvent) -> Changes:
    return {}


def _completed(state: RunState, event: RunEvent) -> Changes:
    payload = event.payload
    token = state.tokens[event.scope]
    values = {**token.values, **payload.get("exports", {})}
    undo = payload.get("undo")
    return dict(
        tokens=_moved(state.tokens, event, _rested(token, values)),
        records=(*state.records, _record(event)),
        undos=(*state.undos, _undo(event, undo)) if undo else state.undos,
        trace=_traced(state.trace, payload),
        result={**state.result, **payload["result"]} if "result" in payload else state.result,
        cost_micro=state.cost_micro + payload.get("cost_micro", 0),
        currency=payload.get("currency", state.currency),
        tokens_used=state.tokens_used + payload.get("tokens", 0),
    )


def _skipped(state: RunState, event: RunEvent) -> Changes:
    tokens = _moved(state.tokens, event, _rested(state.tokens[event.scope]))
    return dict(tokens=tokens, records=(*state.records, _record(event)))


def _retried(state: RunState, event: RunEvent) -> Changes:
    payload = event.payload
    tried = state.tokens[event.scope]
    token = replace(
        _rested(tried), attempt=payload["attempt"], not_before=payload["until"], call=tried.call
    )
    return dict(tokens=_closed_below(state.tokens, event.scope, token))


def _failed(state: RunState, event: RunEvent) -> Changes:
    payload = event.payload
    error = {"code": payload["code"], "detail": payload["detail"], "step": event.step_id}
    records = (*state.records, _record(event))
    state = replace(state, undos=(*state.undos, *_undos_doubtful(event)))
    catcher = payload.get("caught")
    if catcher is not None:
        caught = state.tokens[catcher["scope"]]
        token = _rested(caught, {**caught.values, "error": error})
        tokens = _closed_below(state.tokens, catcher["scope"], token)
        moved = _step_on(tokens, catcher["scope"], catcher["next"])
        return dict(tokens=moved, records=records, undos=state.undos)
    return dict(status=_unwinding(state), error=error, records=records, undos=state.undos)


def _undos_doubtful(event: RunEvent) -> Iterator[Undo]:
    """Yield what a person has to look at: undoings of calls that may have acted."""
    for undo in event.payload.get("undos", ()):
        yield replace(_undo(event, undo), step_id=undo["step_id"], scope=undo["scope"])


def _cancelled(state: RunState, event: RunEvent) -> Changes:
    error = {"code": "cancelled", "detail": event.payload["reason"], "step": state.cursor}
    return dict(status=_unwinding(state), error=error)


def _ended(state: RunState, event: RunEvent) -> Changes:
    payload = event.payload
    last = replace(_rested(state.tokens[""]), cursor="")
    result = {**state.result, **payload.get("result", {})}
    return dict(status=RunStatus(payload["status"]), tokens={"": last}, result=result)


def _migrated(state: RunState, event: RunEvent) -> Changes:
    """Call steps by their new names, what is done of them too; sub-workflows keep theirs."""
    names = event.payload["mapping"]
    tokens = {
        scope: token
        if state.workflow_of(scope)[1]
        else replace(token, cursor=names.get(token.cursor, token.cursor))
        for scope, token in state.tokens.items()
    }
    records = tuple(
        record
        if is_in_sub_workflow(record.scope)
        else replace(record, step_id=names.get(record.step_id, record.step_id))
        for record in state.records
    )
    return dict(tokens=tokens, records=records)


def _scope_opened(state: RunState, event: RunEvent) -> Changes:
    children = event.payload["children"]
    parent = replace(state.tokens[event.scope], open=len(children))
    opened = {
        scope_join(event.scope, event.step_id, child["key"]): Token(
            child["next"],
            values=child.get("values", {}),
            input=child.get("input"),
            workflow=child.get("workflow", ""),
            content_hash=child.get("content_hash", ""),
        )
        for child in children
    }
    return dict(tokens={**state.tokens, event.scope: parent, **opened})


def _wait_opened(state: RunState, event: RunEvent) -> Changes:
    token = replace(state.tokens[event.scope], wait=Wait(**event.payload["wait"]))
    return dict(tokens={**state.tokens, event.scope: token})


def _wait_closed(state: RunState, event: RunEvent) -> Changes:
    """Hand the answer to the step; time has passed, so what repeats now is no idle loop."""
    payload = event.payload
    answer = Answer(payload["outcome"], payload["value"])
    token = replace(state.tokens[event.scope], wait=None, answer=answer)
    turned = {**state.input, **payload.get("turn", {})}
    return dict(tokens={**state.tokens, event.scope: token}, input=turned, trace=())


def _tool_requested(state: RunState, event: RunEvent) -> Changes:
    payload = event.payload
    call = Call(payload["key"], payload["tool"], payload["version"], payload["input"])
    token = replace(state.tokens[event.scope], call=call)
    return dict(tokens={**state.tokens, event.scope: token})


def _tool_settled(state: RunState, event: RunEvent) -> Changes:
    """Forget a call whose outcome is known; one that may have acted stays in doubt."""
    if event.payload.get("in_doubt"):
        return {}
    token = replace(state.tokens[event.scope], call=None)
    return dict(tokens={**state.tokens, event.scope: token})


def _compensation(status: str) -> Callable[[RunState, RunEvent], Changes]:
    def change(state: RunState, event: RunEvent) -> Changes:
        payload = event.payload
        undos = tuple(
            replace(
                undo,
                status=status,
                attempt=payload.get("attempt", undo.attempt),
                not_before=payload.get("until", ""),
            )
            if undo.key == payload["key"]
            else undo
            for undo in state.undos
        )
        is_open = any(undo.is_open for undo in undos)
        after = RunStatus.COMPENSATING if is_open else RunStatus.FAILING
        return dict(undos=undos, status=after)

    return change


def _unwinding(state: RunState) -> RunStatus:
    is_open = any(undo.is_open for undo in state.undos)
    return RunStatus.COMPENSATING if is_open else RunStatus.FAILING


def _rested(token: Token, values: Mapping[str, Any] | None = None) -> Token:
    """Return a token without what belonged to the step it leaves."""
    return Token(
        token.cursor,
        token.values if values is None else values,
        input=token.input,
        workflow=token.workflow,
        content_hash=token.content_hash,
    )


def _moved(tokens: Tokens, event: RunEvent, token: Token) -> Tokens:
    scope = event.scope
    return _step_on(_closed_below(tokens, scope, token), scope, event.payload["next"], event)


def _closed_below(tokens: Tokens, scope: str, token: Token) -> Tokens:
    """Put a token in place; what its step had opened below is closed."""
    if len(tokens) == 1:
        return {scope: token}
    kept = {s: t for s, t in tokens.items() if s == scope or not scope_is_within(s, scope)}
    return {**kept, scope: token}


def _step_on(tokens: Tokens, scope: str, target: str, event: RunEvent | None = None) -> Tokens:
    """Move a token to a step; at the end of its body it becomes a result of its container."""
    token = replace(tokens[scope], cursor=target)
    if target != END or not scope:
        return {**tokens, scope: token}
    output = event.payload.get("output", {}) if event else {}
    pinned = (token.input, token.workflow, token.content_hash)
    done = Finished(scope.rsplit("/", 1)[1], token.values, output, *pinned)
    parent = tokens[scope_parent(scope)]
    left = {other: held for other, held in tokens.items() if other != scope}
    freed = replace(parent, open=parent.open - 1, finished=(*parent.finished, done))
    return {**left, scope_parent(scope): freed}


def _record(event: RunEvent) -> StepRecord:
    payload = event.payload
    return StepRecord(
        step_id=event.step_id,
        kind=payload["kind"],
        outcome=event.type,
        output=payload.get("output", {}),
        next=payload.get("next", ""),
        scope=event.scope,
    )


def _undo(event: RunEvent, undo: Mapping[str, Any]) -> Undo:
    return Undo(
        key=undo["key"],
        step_id=event.step_id,
        scope=event.scope,
        tool=undo["tool"],
        input=undo["input"],
        group=undo.get("group", ""),
        status=undo.get("status", "pending"),
    )


def _traced(trace: tuple[str, ...], payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Remember the last states of a workflow that can go in circles (see engine.progress)."""
    mark = payload.get("mark")
    return (*trace, mark)[-TRACE_LENGTH:] if mark else trace


TRACE_LENGTH = 64
_OF_A_TOKEN = frozenset(
    {
        EventType.STEP_COMPLETED,
        EventType.STEP_SKIPPED,
        EventType.STEP_RETRIED,
        EventType.STEP_FAILED,
        EventType.SCOPE_OPENED,
        EventType.WAIT_OPENED,
        EventType.WAIT_CLOSED,
        EventType.TOOL_REQUESTED,
        EventType.TOOL_SUCCEEDED,
        EventType.TOOL_FAILED,
    }
)
_APPLY: dict[EventType, Callable[[RunState, RunEvent], Changes]] = {
    EventType.RUN_STARTED: _started,
    EventType.RUN_RESUMED: _unchanged,
    EventType.RUN_CANCELLED: _cancelled,
    EventType.RUN_MIGRATED: _migrated,
    EventType.RUN_ENDED: _ended,
    EventType.STEP_COMPLETED: _completed,
    EventType.STEP_SKIPPED: _skipped,
    EventType.STEP_RETRIED: _retried,
    EventType.STEP_FAILED: _failed,
    EventType.SCOPE_OPENED: _scope_opened,
    EventType.WAIT_OPENED: _wait_opened,
    EventType.WAIT_CLOSED: _wait_closed,
    EventType.TOOL_REQUESTED: _tool_requested,
    EventType.TOOL_SUCCEEDED: _tool_settled,
    EventType.TOOL_FAILED: _tool_settled,
    EventType.COMPENSATION_REQUESTED: _compensation("requested"),
    EventType.COMPENSATION_SUCCEEDED: _compensation("done"),
    EventType.COMPENSATION_FAILED: _compensation("pending"),
    EventType.COMPENSATION_ABANDONED: _compensation("abandoned"),
    EventType.COMPENSATION_REDRIVEN: _compensation("pending"),
}
