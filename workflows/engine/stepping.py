"""One step of a run: is it to be done, and if so, do it within its limits."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from core.observability.metrics import loop_cut_total
from core.resilience.breaker import breaker
from core.resilience.bulkhead import bulkhead
from core.resilience.deadline import deadline_until
from core.resilience.errors import Cancelled
from workflows.engine.events import EventType
from workflows.engine.failures import TELLING, Failure, failure, failure_of
from workflows.engine.journal import LeaseLost
from workflows.engine.settling import Settler
from workflows.engine.step import Came, StepContext, scope_of, step_get
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Breaker, Graph, Node
from workflows.spec.kinds import END

if TYPE_CHECKING:
    from workflows.engine.execution import Drive

# What a step that has hit its deadline may take to say so before its lease is given up.
GRACE_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Stepper:
    """Does the steps of one drive; branches call it side by side."""

    def __init__(self, drive: "Drive") -> None:
        self.drive = drive
        self.settler = Settler(drive)

    def advance(self, scope: str) -> None:
        """Do the next step of a scope whose condition holds, and commit what came of it.

        What is pure waits for the next commit.
        """
        drive = self.drive
        drive.host.before_step(drive.run)
        graph = drive.graph(scope)
        node = self._next_node(scope, graph)
        if isinstance(node, Failure):
            self.settler.fail(node)
            return
        if node is None:
            return
        came = self._refusal(scope, node) or self._attempt(scope, node)
        self.settler.settle(scope, node, came)

    def _next_node(self, scope: str, graph: Graph) -> Node | Failure | None:
        """Pass over steps whose condition is false; None at the end of the body."""
        while (token := self.drive.state.tokens.get(scope)) and token.cursor != END:
            node = graph.nodes.get(token.cursor)
            if node is None:
                problem = f"This version has no step '{token.cursor}'."
                return Failure(scope, token.cursor, "", "step_unknown", problem)
            try:
                if self._is_wanted(scope, node):
                    return node
            except ConditionFailed as error:
                return failure(scope, node, "condition_failed", str(error))
            skipped = {"kind": node.kind.name, "next": node.after}
            self.drive.record(EventType.STEP_SKIPPED, node.id, skipped, scope)
        return None

    def _is_wanted(self, scope: str, node: Node) -> bool:
        condition = node.condition
        if condition is None:
            return True
        return condition.holds(scope_of(self.drive.state, condition.names, scope))

    def _refusal(self, scope: str, node: Node) -> Failure | None:
        """Say why a step is not even begun: a limit of the run is reached."""
        state, root = self.drive.state, self.drive.root
        if root and len(state.records) >= root.step_limit:
            loop_cut_total.labels(reason="step_limit").inc()
            return failure(scope, node, "step_limit", f"More than {root.step_limit} steps.")
        most = node.policy.max_visits
        if most is not None and state.visits(scope, node.id) >= most:
            return failure(scope, node, "visits_exhausted", f"Visited {most} times.")
        spent = self._budget_spent()
        return failure(scope, node, "budget_exceeded", spent) if spent else None

    def _budget_spent(self) -> str:
        """Say which part of the run's budget is used up; "" while none is."""
        drive, state = self.drive, self.drive.state
        budget = drive.root.budget if drive.root else None
        if budget is None:
            return ""
        if budget.cost_micro is not None and state.cost_micro >= budget.cost_micro:
            return "The run has cost what it may."
        if budget.tokens is not None and state.tokens_used >= budget.tokens:
            return "The run has used the tokens it may."
        if budget.wall_ms is not None and _milliseconds(drive.run.started_at) >= budget.wall_ms:
            return "The run has taken the time it may."
        return ""

    def _attempt(self, scope: str, node: Node) -> Came[Any] | Failure | None:
        """Run a step; None when the run is being cancelled.

        Anything it raises but a lost connection or lease becomes a failure.
        """
        began = time.perf_counter()
        try:
            with self._guarded(node) as deadline:
                context = self._context(scope, node, deadline)
                came: Came[Any] = step_get(node.kind.name).run(node.config, context)
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except TELLING as error:
            if isinstance(error, Cancelled) and self.drive.cancel.is_cancelled:
                return None
            return failure_of(scope, error, node, began)
        except Exception as error:
            log.exception("step_failed", step=node.id, kind=node.kind.name)
            return failure_of(scope, error, node, began)
        self.settler.timed(scope, began)
        return came

    @contextmanager
    def _guarded(self, node: Node) -> Iterator[float]:
        """Hold a step to its deadline, its bulkhead and its breaker, outside in."""
        policy, hold = node.policy, self.drive.hold
        seconds = seconds_for(node)
        deadline = time.monotonic() + seconds
        hold.deadline = max(hold.deadline, deadline + GRACE_SECONDS)
        with deadline_until(deadline):
            if not (policy.bulkhead or policy.breaker):
                yield deadline
                return
            with ExitStack() as stack:
                if policy.bulkhead:
                    stack.enter_context(bulkhead(policy.bulkhead.name, policy.bulkhead.limit))
                if policy.breaker:
                    stack.enter_context(_breaker(policy.breaker))
                yield deadline

    def _context(self, scope: str, node: Node, deadline: float) -> StepContext:
        drive = self.drive
        return StepContext(
            run_id=drive.run.id,
            step_id=node.id,
            conversation_id=drive.run.conversation_id,
            state=drive.state,
            deadline=deadline,
            node=node,
            graph=drive.graph(scope),
            cancel=drive.cancel,
            graphs=drive.host,
            write_ahead=partial(self._write_ahead, scope, node.id),
            scope=scope,
        )

    def _write_ahead(
        self, scope: str, step_id: str, kind: EventType, payload: Mapping[str, Any]
    ) -> None:
        """Commit what a step is about to do; what it has heard rides on the step's own commit."""
        with self.drive.lock:
            self.drive.record(kind, step_id, dict(payload), scope)
            if kind is EventType.TOOL_REQUESTED:
                self.drive.commit()


def _breaker(policy: Breaker) -> AbstractContextManager[None]:
    return breaker(policy.name, failures=policy.failures, reset_seconds=policy.reset_seconds)


def _milliseconds(since: datetime) -> float:
    return (timezone.now() - since).total_seconds() * 1000


def seconds_for(node: Node) -> float:
    """Return how long a step may take: its own word, its type's, and no more than its budget."""
    policy = node.policy
    seconds = policy.timeout_seconds or step_get(node.kind.name).timeout_seconds
    if policy.budget and policy.budget.wall_ms:
        return min(seconds, policy.budget.wall_ms / 1000)
    return seconds
