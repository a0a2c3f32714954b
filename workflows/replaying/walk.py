"""Walk a version from a record: what is pure is worked out, all else is taken from the record.

Nothing outside is touched: no tool is called, no wait opened, nothing written or published. Where
the record has no answer, the step is told as one that would run; the walk goes on with the result
on record for that step, if there is one, and stops where what follows depends on the unknown.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from core.resilience.cancellation import CancelToken
from workflows.engine.dumping import canonical
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.failures import TELLING, Failure, catchers, failure_of
from workflows.engine.folding import apply
from workflows.engine.settling import opened, result_of
from workflows.engine.state import RunState, scope_parent
from workflows.engine.step import Opens, StepContext, StepOutcome, Waits, scope_of, step_get
from workflows.replaying.asking import Asking
from workflows.replaying.inputs import given_text
from workflows.replaying.record import Key, Record, Visit
from workflows.replaying.rows import Difference, ReplayedStep, Way
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Graph, Node
from workflows.spec.kinds import END

# Limits of a run, which no step of its own exceeds: what is on record of them is repeated.
_REFUSALS: Final = frozenset({"step_limit", "visits_exhausted", "budget_exceeded"})
_WALKS: Final = "workflow"  # the step type that walks another workflow


class OutsideTouched(RuntimeError):
    """A step that a replay worked out tried to act: a mistake in that step type."""


class Pinned:
    """Supplies graphs as the record has them: a sub-workflow stays on the text it was pinned to."""

    def __init__(self, record: Record, current: Any, pin: str = "") -> None:
        self._record = record
        self._current = current
        self._pin = pin

    def graph(self, *, workflow: str, content_hash: str) -> Graph:
        """Return the graph of an exact text."""
        return self._record.graph_of(workflow, content_hash)

    def current(self, workflow: str) -> Graph:
        """Return the text on record for this visit, or else what answers under the name now."""
        if self._pin:
            return self._record.graph_of(workflow, self._pin)
        graph: Graph = self._current(workflow)
        return graph


def context_make(
    run_id: UUID, state: RunState, scope: str, node: Node, graph: Graph, graphs: Any
) -> StepContext:
    """Return what a step sees in a replay; whatever it would write ahead is refused."""
    return StepContext(
        run_id=run_id,
        step_id=node.id,
        conversation_id=None,
        state=state,
        deadline=math.inf,
        node=node,
        graph=graph,
        cancel=CancelToken(),
        graphs=graphs,
        write_ahead=_refuse,
        scope=scope,
    )


def _refuse(kind: EventType, payload: Mapping[str, Any]) -> None:
    raise OutsideTouched(f"{kind} in a replay")


class Walk:
    """One replay under way: the state it has reached, and what it says of each step so far."""

    def __init__(
        self, run_id: UUID, record: Record, graph: Graph, current: Any, asking: Asking | None = None
    ) -> None:
        self.run_id = run_id
        self.record = record
        self.root = graph
        self.current = current
        self.asking = asking
        self.state = RunState()
        self.rows: dict[Key, ReplayedStep] = {}
        self.stopped: set[str] = set()

    def to_end(self) -> list[ReplayedStep]:
        """Walk as far as the record and what is pure allow; returns a row for each visit."""
        started = {**self.record.started.payload, "next": self.root.entry}
        self._apply(EventType.RUN_STARTED, "", started)
        while self.state.status is RunStatus.RUNNING and (scope := self._next_scope()) is not None:
            self._advance(scope)
        left = [visit for key, visit in self.record.visits.items() if key not in self.rows]
        return [*self.rows.values(), *map(_not_reached, left)]

    def _next_scope(self) -> str | None:
        """Return where to go on: in the order of the record, so that what raced races alike."""
        ready = [scope for scope in self.state.ready() if scope not in self.stopped]
        return min(ready, key=self._recorded_at, default=None)

    def _recorded_at(self, scope: str) -> float:
        visit = self.record.visits.get(self._key(scope, self.state.tokens[scope].cursor))
        return visit.last.seq if visit else math.inf

    def _key(self, scope: str, step_id: str) -> Key:
        return scope, step_id, self.state.visits(scope, step_id)

    def _graph(self, scope: str) -> Graph:
        workflow, content_hash = self.state.workflow_of(scope)
        return self.record.graph_of(workflow, content_hash) if content_hash else self.root

    # --- one step

    def _advance(self, scope: str) -> None:
        graph = self._graph(scope)
        cursor = self.state.tokens[scope].cursor
        node = graph.nodes.get(cursor)
        key = self._key(scope, cursor)
        visit = self.record.visits.get(key)
        if node is None or len(self.state.records) >= self.root.step_limit:
            self._stop(key, node, Way.UNKNOWN, "This version cannot go on here.")
            return
        try:
            self._do(key, node, graph, visit)
        except ConditionFailed as error:
            if visit and visit.output == {"failed": "condition_failed"}:
                self._repeat(key, node, visit, Way.EVALUATED)
            else:
                self._stop(key, node, Way.UNKNOWN, str(error)[:500])

    def _do(self, key: Key, node: Node, graph: Graph, visit: Visit | None) -> None:
        if not self._is_wanted(key[0], node):
            self._skip(key, node, visit)
        elif visit and visit.output.get("failed") in _REFUSALS:
            self._repeat(key, node, visit, Way.RECORDED)
        elif step_get(node.kind.name).is_pure or node.kind.is_container or _walks(node):
            self._evaluate(key, node, graph, visit)
        else:
            self._look_up(key, node, graph, visit)

    def _is_wanted(self, scope: str, node: Node) -> bool:
        condition = node.condition
        return condition is None or condition.holds(scope_of(self.state, condition.names, scope))

    def _skip(self, key: Key, node: Node, visit: Visit | None) -> None:
        self._apply(EventType.STEP_SKIPPED, node.id, _skipped(node), key[0])
        was_skipped = visit is not None and visit.last.type is EventType.STEP_SKIPPED
        after = {} if was_skipped else {"skipped": True}
        self._say(key, node, Way.EVALUATED, visit, after)

    def _evaluate(self, key: Key, node: Node, graph: Graph, visit: Visit | None) -> None:
        scope = key[0]
        context = self._context(scope, node, graph, visit)
        try:
            came = step_get(node.kind.name).run(node.config, context)
        except ConditionFailed:
            raise
        except TELLING as error:
            self._fail(key, node, visit, failure_of(scope, error, node))
            return
        if isinstance(came, Opens):
            self._apply(EventType.SCOPE_OPENED, node.id, opened(node, came), scope)
        else:
            assert not isinstance(came, Waits)
            self._complete(key, node, came, Way.EVALUATED, visit)

    def _look_up(self, key: Key, node: Node, graph: Graph, visit: Visit | None) -> None:
        context = self._context(key[0], node, graph, visit)
        known = visit if visit and (visit.kind, visit.tool) == (node.kind.name, node.tool) else None
        is_open = self.record.frontier.get(key[0]) == node.id
        if self.asking is not None and self.asking.is_meant(node) and (known or not is_open):
            self._complete(key, node, self.asking.ask(node, context), Way.ASKED, visit)
            return
        given = given_text(context)
        if known is None or known.last.type is EventType.STEP_SKIPPED:
            if visit is None and is_open:
                self._stop(key, node, Way.OPEN, "")
            else:
                self._go_without(key, node, visit)
        elif known.given == given:
            self._repeat(key, node, known, Way.RECORDED)
        else:
            self._assume(key, node, known, given)

    def _context(self, scope: str, node: Node, graph: Graph, visit: Visit | None) -> StepContext:
        pin = visit.pin if visit else ""
        graphs = Pinned(self.record, self.current, pin)
        return context_make(self.run_id, self.state, scope, node, graph, graphs)

    # --- what came of it

    def _complete(
        self, key: Key, node: Node, came: StepOutcome[Any], way: Way, visit: Visit | None
    ) -> None:
        output = came.output.model_dump(mode="json")
        exports = {**{name: output[name] for name in node.kind.exports}, **came.exports}
        payload = {
            "kind": node.kind.name,
            "output": output,
            "next": came.next or node.next,
            "exports": exports,
        }
        self._apply(EventType.STEP_COMPLETED, node.id, payload, key[0])
        self._say(key, node, way, visit, output)
        self._circle(visit)

    def _circle(self, visit: Visit | None) -> None:
        """Fail where the recorded run was cut short because it led nowhere."""
        if visit and visit.circled and self.state.status is RunStatus.RUNNING:
            event = visit.circled
            self._apply(event.type, event.step_id, dict(event.payload), event.scope)

    def _fail(self, key: Key, node: Node, visit: Visit | None, failed: Failure) -> None:
        payload = {"kind": failed.kind, "code": failed.code, "detail": failed.detail}
        self._apply(EventType.STEP_FAILED, node.id, self._caught(payload, failed), key[0])
        self._say(key, node, Way.EVALUATED, visit, {"failed": failed.code})

    def _caught(self, payload: dict[str, Any], failed: Failure) -> dict[str, Any]:
        found = next(catchers(self._around(failed), failed), None)
        caught = {"caught": {"scope": found[0], "next": found[1]}} if found else {}
        return {**payload, **caught}

    def _around(self, failed: Failure) -> Iterator[tuple[str, Node]]:
        scope = failed.scope
        yield scope, self._graph(scope).nodes[failed.step_id]
        while scope:
            scope = scope_parent(scope)
            yield scope, self._graph(scope).nodes[self.state.tokens[scope].cursor]

    def _repeat(self, key: Key, node: Node, visit: Visit, way: Way) -> None:
        """Let what is on record of a visit happen in this state."""
        self._take_over(key[0], node, visit)
        self._say(key, node, way, visit, visit.output)
        self._circle(visit)
        if visit.ends_as is not None and self.state.status is RunStatus.RUNNING:
            self._apply(EventType.RUN_ENDED, "", {"status": visit.ends_as.value})

    def _take_over(self, scope: str, node: Node, visit: Visit) -> None:
        for event in visit.events:
            payload = dict(event.payload)
            if event.type is EventType.STEP_COMPLETED:
                payload["next"] = node.next
                if node.compensate is None:
                    payload.pop("undo", None)
            elif event.type is EventType.STEP_FAILED and not self._is_as_recorded:
                payload.pop("caught", None)
                told = (payload["kind"], payload["code"], payload["detail"])
                payload = self._caught(payload, Failure(scope, node.id, *told))
            self._apply(event.type, node.id, payload, scope)

    @property
    def _is_as_recorded(self) -> bool:
        return self.root.content_hash == self.record.pinned[1]

    def _assume(self, key: Key, node: Node, visit: Visit, given: str) -> None:
        """Say that the step would run with another input, and go on as if it did the same."""
        self._take_over(key[0], node, visit)
        before, after = _parts_differing(visit.given, given)
        row = self._row(key, node, Way.WOULD_RUN, Difference.CHANGED_INPUT)
        self.rows[key] = replace(row, before=before, after=after)

    def _go_without(self, key: Key, node: Node, visit: Visit | None) -> None:
        """Say that the step would run; nobody knows what would come out."""
        payload = {"kind": node.kind.name, "output": {}, "next": node.next}
        self._apply(EventType.STEP_COMPLETED, node.id, payload, key[0])
        difference = Difference.CHANGED_INPUT if visit else Difference.ONLY_NEW
        self.rows[key] = self._row(key, node, Way.WOULD_RUN, difference)
        if node.kind.ends:
            self.stopped.update(self.state.tokens)

    def _stop(self, key: Key, node: Node | None, way: Way, detail: str) -> None:
        self.stopped.add(key[0])
        is_same = way is Way.OPEN
        difference = Difference.SAME if is_same else Difference.ONLY_NEW
        self.rows[key] = replace(self._row(key, node, way, difference), detail=detail)

    # --- what is said of it

    def _say(
        self, key: Key, node: Node, way: Way, visit: Visit | None, output: Mapping[str, Any]
    ) -> None:
        if visit is None:
            self.rows[key] = self._row(key, node, way, Difference.ONLY_NEW)
            return
        before, after = _untimed(visit.output), _untimed(output)
        if canonical(before) == canonical(after):
            self.rows[key] = self._row(key, node, way, Difference.SAME)
            return
        row = self._row(key, node, way, Difference.CHANGED_OUTPUT)
        self.rows[key] = replace(row, before=before, after=after)

    def _row(self, key: Key, node: Node | None, way: Way, difference: Difference) -> ReplayedStep:
        kind = node.kind.name if node else ""
        return ReplayedStep(key[0], key[1], kind, key[2] + 1, way, difference)

    def _apply(
        self, kind: EventType, step_id: str, payload: dict[str, Any], scope: str = ""
    ) -> None:
        if scope:
            payload["scope"] = scope
        at = self.record.started.at
        self.state = apply(self.state, RunEvent(self.state.seq + 1, kind, step_id, payload, at))
        if self.state.status is RunStatus.RUNNING and self.state.cursor == END:
            self._finish()

    def _finish(self) -> None:
        result = result_of(self.root, self.state)
        if isinstance(result, Failure):
            told = {"kind": "", "code": result.code, "detail": result.detail}
            self._apply(EventType.STEP_FAILED, END, told)
        else:
            self._apply(EventType.RUN_ENDED, "", {"status": "completed", "result": result})


def _walks(node: Node) -> bool:
    return node.kind.name == _WALKS


def _skipped(node: Node) -> dict[str, Any]:
    return {"kind": node.kind.name, "next": node.after}


def _not_reached(visit: Visit) -> ReplayedStep:
    scope, step_id, number = visit.key
    way, difference = Way.NOT_REACHED, Difference.ONLY_RECORDED
    return ReplayedStep(scope, step_id, visit.kind, number + 1, way, difference)


def _untimed(output: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in output.items() if not name.endswith("_ms")}


def _parts_differing(before: str | None, after: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return those parts of two inputs that are not the same, of each."""
    old, new = json.loads(before or "{}"), json.loads(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return (
        {name: old[name] for name in names if name in old},
        {name: new[name] for name in names if name in new},
    )
