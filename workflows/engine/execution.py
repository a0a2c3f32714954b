"""Drive a run: one step after the other, each outcome committed before the next begins."""

import time
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from core.errors import DomainError
from core.observability.logs import log_context
from workflows.engine import journal
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.host import ClaimedRun, Host
from workflows.engine.journal import LeaseLost
from workflows.engine.lease import Hold, keeper
from workflows.engine.state import JournalCorrupt, RunState, apply, fold
from workflows.engine.step import StepContext, StepOutcome, scope_of, step_get
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Graph, Node
from workflows.spec.kinds import END

MAX_ATTEMPTS = 6
MAX_RESCUES = 12

log = structlog.get_logger(__name__)


def run_drive(run_id: UUID, host: Host) -> RunState | None:
    """Carry a run to its end, or return None when another worker has it or it is over.

    Safe to call any number of times: the lease admits one worker, finished steps are not repeated.
    A lost database connection propagates; the lease lapses and the sweep sends the run again.
    """
    run = journal.claim(run_id)
    if run is None:
        return None
    with log_context(run=run_id, conversation=run.conversation_id):
        return _claimed_drive(run, host)


def _claimed_drive(run: ClaimedRun, host: Host) -> RunState | None:
    run_id = run.id
    try:
        with keeper.holding(run) as hold:
            return _Drive(run, fold(journal.events(run_id)), host, hold).to_end()
    except JournalCorrupt:
        log.exception("run_journal_corrupt", run=str(run_id))
        host.rescue(run, RunState())
        journal.abandon(run, "journal_corrupt")
        return None
    except LeaseLost:
        log.info("run_lease_lost", run=str(run_id))
        return None


class _Drive:
    """One worker's hold on one run: the state reached, and the facts not yet committed."""

    def __init__(self, run: ClaimedRun, state: RunState, host: Host, hold: Hold) -> None:
        self.run = run
        self.state = state
        self.host = host
        self.hold = hold
        self.facts: list[RunEvent] = []
        self.graph: Graph | None = None

    def to_end(self) -> RunState:
        """Walk until the run is over."""
        if self.run.attempts > 1:
            self._record(EventType.RUN_RESUMED, "", {"attempt": self.run.attempts})
        if self.run.attempts > MAX_ATTEMPTS and self.state.status is RunStatus.RUNNING:
            self._fail(self.state.cursor, "", "attempts_exhausted", "No worker could finish it.")
            self._commit()
        self.graph = self._load_graph()
        while self.state.status.is_active:
            if self.graph is None or self.state.status is RunStatus.FAILING:
                self._rescue()
            else:
                self._advance(self.graph)
        return self.state

    def _load_graph(self) -> Graph | None:
        if self.state.status is not RunStatus.RUNNING:
            return None
        try:
            return self.host.graph(self.run)
        except (DomainError, ValueError) as error:
            log.exception("run_graph_unusable", run=str(self.run.id))
            self._fail(self.state.cursor, "", "workflow_unusable", type(error).__name__)
            self._commit()
            return None

    def _advance(self, graph: Graph) -> None:
        """Do the next step whose condition holds, and commit what came of it unless it is pure."""
        self.host.before_step(self.run)
        messages: list[Any] = []
        node = self._next_node(graph)
        if node is not None:
            outcome = self._attempt(node)
            messages.extend(outcome.events if outcome else ())
            if outcome and outcome.ends_as:
                self._end(outcome.ends_as)
        if self.state.status is RunStatus.RUNNING and self.state.cursor == END:
            self._end(RunStatus.COMPLETED)
        if not self._may_wait(node):
            self._commit(messages)

    def _may_wait(self, node: Node | None) -> bool:
        """Tell whether what is not committed yet may ride on the next step's commit."""
        if node is None or self.state.status is not RunStatus.RUNNING:
            return False
        return step_get(node.kind.name).is_pure

    def _next_node(self, graph: Graph) -> Node | None:
        """Pass over steps whose condition is false; None at the end, or if a condition failed."""
        while self.state.cursor != END:
            node = graph.nodes[self.state.cursor]
            try:
                if node.condition is None or node.condition.holds(
                    scope_of(self.state, node.condition)
                ):
                    return node
            except ConditionFailed as error:
                self._fail(node.id, node.kind.name, "condition_failed", str(error)[:500])
                return None
            skipped = {"kind": node.kind.name, "next": node.after}
            self._record(EventType.STEP_SKIPPED, node.id, skipped)
        return None

    def _attempt(self, node: Node) -> StepOutcome[Any] | None:
        """Run a step; anything it raises but a lost connection or lease fails the run visibly."""
        began = time.perf_counter()
        try:
            outcome = step_get(node.kind.name).run(node.config, self._context(node))
            payload = _completed(node, outcome, began)
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except DomainError as error:
            self._fail(node.id, node.kind.name, error.code, error.detail, began)
            return None
        except ConditionFailed as error:
            self._fail(node.id, node.kind.name, "condition_failed", str(error)[:500], began)
            return None
        except Exception as error:
            log.exception("step_failed", run=str(self.run.id), step=node.id, kind=node.kind.name)
            self._fail(node.id, node.kind.name, "internal_error", type(error).__name__, began)
            return None
        self._record(EventType.STEP_COMPLETED, node.id, payload)
        return outcome

    def _context(self, node: Node) -> StepContext:
        deadline = time.monotonic() + step_get(node.kind.name).timeout_seconds
        self.hold.deadline = deadline
        return StepContext(
            run_id=self.run.id,
            step_id=node.id,
            conversation_id=self.run.conversation_id,
            state=self.state,
            deadline=deadline,
        )

    def _rescue(self) -> None:
        """Bring a person in, and only then end the run: a crash in between repeats the rescue."""
        try:
            self.host.rescue(self.run, self.state)
        except DomainError as error:
            log.warning("run_rescue_refused", run=str(self.run.id), code=error.code)
        except Exception:
            log.exception("run_rescue_failed", run=str(self.run.id))
            if self.run.attempts <= MAX_RESCUES:
                raise
        self._end(RunStatus.FAILED)
        self._commit()

    def _fail(
        self, step_id: str, kind: str, code: str, detail: str, began: float | None = None
    ) -> None:
        payload = {"kind": kind, "code": code, "detail": str(detail)[:500]}
        spent = {"duration_ms": _milliseconds_since(began)} if began else {}
        self._record(EventType.STEP_FAILED, step_id, {**payload, **spent})

    def _end(self, status: RunStatus) -> None:
        self._record(EventType.RUN_ENDED, "", {"status": status.value})

    def _record(self, kind: EventType, step_id: str, payload: dict[str, Any]) -> None:
        fact = RunEvent(self.state.seq + 1, kind, step_id, payload, timezone.now())
        self.state = apply(self.state, fact)
        self.facts.append(fact)

    def _commit(self, messages: list[Any] | None = None) -> None:
        if not self.state.status.is_active:
            messages = [*(messages or []), *self.host.closing_events(self.run, self.state)]
        facts, self.facts = self.facts, []
        journal.append(self.run, self.state, facts, messages=messages or ())
        self.hold.renewed()
        self.host.committed(self.run, self.state, facts)


def _completed(node: Node, outcome: StepOutcome[Any], began: float) -> dict[str, Any]:
    """Write an outcome as the payload of its event, exactly as it will be read back."""
    output = outcome.output.model_dump(mode="json")
    payload: dict[str, Any] = {
        "kind": node.kind.name,
        "output": output,
        "exports": {name: output[name] for name in node.kind.exports},
        "next": outcome.next or node.next,
        "duration_ms": _milliseconds_since(began),
    }
    if outcome.result:
        payload["result"] = dict(outcome.result)
    if outcome.cost_micro:
        payload.update(cost_micro=outcome.cost_micro, currency=outcome.currency)
    return journal.decoded(payload)


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
