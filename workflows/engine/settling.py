"""Put on record what a step came to: done, failed, waiting, or opening a body of its own."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from core.observability.metrics import loop_cut_total, retry_total
from core.resilience.retry import delay_for
from workflows.engine import waits
from workflows.engine.contracts import OutputInvalid, output_check
from workflows.engine.events import EventType, RunStatus
from workflows.engine.failures import Failure, catchers, failure, failure_of, may_retry
from workflows.engine.journal import PayloadRefused
from workflows.engine.progress import mark_of, period_of
from workflows.engine.state import RunState, Wait, scope_parent
from workflows.engine.step import Came, Opens, StepOutcome, Waits, scope_of, step_get
from workflows.engine.undoing import Undoing
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Graph, Node
from workflows.spec.kinds import END

if TYPE_CHECKING:
    from workflows.engine.execution import Drive


class Settler:
    """Records what the steps of one drive came to."""

    def __init__(self, drive: "Drive") -> None:
        self.drive = drive
        self._durations = threading.local()

    def timed(self, scope: str, began: float) -> None:
        """Note how long the step took that this thread will settle next."""
        self._durations.milliseconds = _milliseconds_since(began)

    def settle(self, scope: str, node: Node, came: Came[Any] | Failure | None) -> None:
        """Record and commit; what cannot be recorded is a failure of the step."""
        if came is None:
            return
        with self.drive.lock:
            try:
                self._settle(scope, node, came)
            except (PayloadRefused, ConditionFailed, ValidationError) as error:
                self.fail(failure_of(scope, error, node))

    def _settle(self, scope: str, node: Node, came: Came[Any] | Failure) -> None:
        match came:
            case Failure():
                self._retry_or_fail(node, came)
            case Opens():
                self._open(scope, node, came)
            case Waits():
                self._wait(scope, node, came)
            case _:
                self._complete(scope, node, came)

    # --- done

    def _complete(self, scope: str, node: Node, outcome: StepOutcome[Any]) -> None:
        drive = self.drive
        payload = self._payload(scope, node, outcome)
        drive.record(EventType.STEP_COMPLETED, node.id, payload, scope)
        if outcome.ends_as:
            self._end(outcome.ends_as)
        elif self._goes_in_circles(scope, node):
            return
        elif not scope and payload["next"] == END:
            self.finish()
        if not self._may_ride(node):
            drive.commit(outcome.events)

    def _may_ride(self, node: Node) -> bool:
        """Tell whether what is not committed yet may ride on the next step's commit."""
        if self.drive.state.status is not RunStatus.RUNNING or self.drive.side_by_side:
            return False
        return step_get(node.kind.name).is_pure

    def _payload(self, scope: str, node: Node, outcome: StepOutcome[Any]) -> dict[str, Any]:
        """Write an outcome as the payload of its event."""
        output = outcome.output.model_dump(mode="json")
        payload: dict[str, Any] = {
            "kind": node.kind.name,
            "output": output,
            "next": outcome.next or node.next,
            "duration_ms": self._durations.milliseconds,
        }
        exports = {**{name: output[name] for name in node.kind.exports}, **outcome.exports}
        if exports:
            payload["exports"] = exports
        if outcome.result:
            payload["result"] = dict(outcome.result)
        if outcome.cost_micro:
            payload.update(cost_micro=outcome.cost_micro, currency=outcome.currency)
        if outcome.tokens:
            payload["tokens"] = outcome.tokens
        if node.compensate:
            payload["undo"] = self.undoing.of(scope, node, payload)
        if self._can_circle(scope):
            payload["mark"] = self._mark(scope, node, payload)
        return payload

    @property
    def undoing(self) -> Undoing:
        """Return how to undo what the run has done so far."""
        return Undoing(self.drive.run.id, self.drive.state, self.drive.graph)

    # --- circles

    def _can_circle(self, scope: str) -> bool:
        return bool(scope) or self.drive.graph(scope).is_cyclic

    def _mark(self, scope: str, node: Node, payload: dict[str, Any]) -> str:
        values = {**self.drive.state.values_in(scope), **payload.get("exports", {})}
        outcome = payload["output"] if node.kind.has_side_effects else {}
        place = f"{self._place(scope)}:{node.id}:{payload['next']}"
        if self._loops(scope):
            values.pop("index", None)
        return mark_of(place, values, outcome)

    def _loops(self, scope: str) -> bool:
        return any(node.kind.name == "loop" for _, node in self.undoing.containers(scope))

    def _place(self, scope: str) -> str:
        """Name a scope without the number of a loop's round: each round is the same place."""
        place = scope
        for around, node in self.undoing.containers(scope):
            if node.kind.name == "loop":
                head = f"{around}/{node.id}" if around else node.id
                rest = place[len(head) + 1 :].partition("/")[2]
                place = f"{head}/{rest}"
        return place

    def _goes_in_circles(self, scope: str, node: Node) -> bool:
        """Fail the run if its last steps have led nowhere, twice."""
        period = period_of(self.drive.state.trace)
        if not period:
            return False
        code = "no_progress" if period == 1 else "oscillation"
        loop_cut_total.labels(reason=code).inc()
        detail = f"The last {period} steps led to the same state again."
        self.fail(failure(*self._still_open(scope, node), code, detail))
        return True

    def _still_open(self, scope: str, node: Node) -> tuple[str, Node]:
        """Return a step, or the container around it if the body it stood in ended with it."""
        state = self.drive.state
        while scope not in state.tokens:
            scope = scope_parent(scope)
            node = self.drive.graph(scope).nodes[state.tokens[scope].cursor]
        return scope, node

    # --- the end

    def _end(self, status: RunStatus) -> None:
        if self.drive.side_by_side:
            self.drive.halt = status
        else:
            self.drive.end(status)

    def finish(self) -> None:
        """End the run in the commit of its last step, if its result is what it promises."""
        result = self.result()
        if isinstance(result, Failure):
            self.drive.fail(result.code, result.detail)
        else:
            self.drive.end(RunStatus.COMPLETED, result)

    def result(self) -> dict[str, Any] | Failure:
        """Work out what the run gives back, as its header promises."""
        root = self.drive.root
        return result_of(root, self.drive.state) if root else {}

    # --- waiting and opening

    def _open(self, scope: str, node: Node, opens: Opens) -> None:
        self.drive.record(EventType.SCOPE_OPENED, node.id, opened(node, opens), scope)

    def _wait(self, scope: str, node: Node, asked: Waits) -> None:
        """Store the wait with its row, in one commit."""
        drive = self.drive
        until = ""
        if asked.seconds is not None:
            until = (timezone.now() + timedelta(seconds=asked.seconds)).isoformat()
        key = f"{scope}:{node.id}:{drive.state.visits(scope, node.id)}"
        wait = Wait(asked.kind, key, until, dict(asked.data))
        payload = {"kind": node.kind.name, "wait": _as_payload(wait)}
        with transaction.atomic():
            drive.record(EventType.WAIT_OPENED, node.id, payload, scope)
            waits.wait_open(drive.run, scope, node.id, wait)
            drive.commit(asked.events)

    # --- failed

    def _retry_or_fail(self, node: Node, failed: Failure) -> None:
        drive = self.drive
        attempt = drive.state.tokens[failed.scope].attempt + 1
        retry = node.policy.retry
        if retry is None or not may_retry(retry, failed, attempt):
            self.fail(failed)
            return
        seconds = delay_for(
            attempt,
            backoff=retry.backoff,
            factor=retry.factor,
            max_backoff=retry.max_backoff,
            jitter=retry.jitter,
            random=random.random(),  # noqa: S311 - spreads load
        )
        until = timezone.now() + timedelta(seconds=seconds)
        retry_total.labels(component="workflows").inc()
        payload = {**_told(failed), "attempt": attempt, "until": until.isoformat()}
        drive.record(EventType.STEP_RETRIED, node.id, payload, failed.scope)
        drive.commit()

    def fail(self, failed: Failure) -> None:
        """Record a failure and where it is caught; beside other branches, when they have halted."""
        if self.drive.side_by_side:
            self.drive.halt = self.drive.halt or failed
            return
        self._record_failure(failed)
        self.drive.commit()

    def _record_failure(self, failed: Failure) -> None:
        payload = {**_told(failed), **self.undoing.doubts(failed.scope)}
        caught = next(catchers(self._around(failed), failed), None)
        if caught is not None:
            payload["caught"] = {"scope": caught[0], "next": caught[1]}
        self.drive.record(EventType.STEP_FAILED, failed.step_id, payload, failed.scope)

    def _around(self, failed: Failure) -> Iterator[tuple[str, Node]]:
        """Yield (scope, node) of the step that failed and of each container around it."""
        node = self.drive.graph(failed.scope).nodes.get(failed.step_id)
        if node is not None:
            yield failed.scope, node
        yield from self.undoing.containers(failed.scope)


def opened(node: Node, opens: Opens) -> dict[str, Any]:
    """Write the children that a container opens as the payload of their event."""
    children = [
        {
            "key": child.key,
            "next": child.next,
            **({"values": dict(child.values)} if child.values else {}),
            **({"input": dict(child.input)} if child.input is not None else {}),
            **({"workflow": child.workflow} if child.workflow else {}),
            **({"content_hash": child.content_hash} if child.content_hash else {}),
        }
        for child in opens.children
    ]
    return {"kind": node.kind.name, "children": children}


def result_of(root: Graph, state: RunState) -> dict[str, Any] | Failure:
    """Work out what a run gives back; a ``Failure`` if it is not what its header promises."""
    if not (root.result or root.output_schema):
        return {}
    try:
        names = frozenset().union(*(value.names for value in root.result.values()))
        known = scope_of(state, names)
        result = {name: value.render(known) for name, value in root.result.items()}
        output_check(root.output_schema, {**state.result, **result})
    except (ConditionFailed, OutputInvalid) as error:
        return failure_of("", error)
    return result


def _told(failed: Failure) -> dict[str, Any]:
    payload = {"kind": failed.kind, "code": failed.code, "detail": failed.detail}
    spent = {"duration_ms": _milliseconds_since(failed.began)} if failed.began else {}
    return {**payload, **spent}


def _as_payload(wait: Wait) -> dict[str, Any]:
    return {"kind": wait.kind, "key": wait.key, "until": wait.until, "data": dict(wait.data)}


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
