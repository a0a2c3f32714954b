"""What surrounds a run in this application: its graph, its rescue, what is told at its end."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

import structlog
from django.utils import timezone
from prometheus_client import Counter, Histogram

from core.errors import DomainError
from core.events.catalogue import Event, RunCompleted
from core.observability.metrics import (
    agent_run_duration_seconds,
    agent_runs_total,
    progress_events,
    safety_violations,
    step_duration_seconds,
)
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from workflows import selectors
from workflows.engine.calling import tool_attempt
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.host import ClaimedRun
from workflows.engine.journal import LeaseLost
from workflows.engine.state import RunState
from workflows.engine.tool import ToolFailed, tool_get
from workflows.library import library
from workflows.pacing import give_way
from workflows.quotas import run_settle
from workflows.spec.graph import Graph
from workflows.steps.escalation import rescue
from workflows.stops import runs_are_stopped
from workflows.versions import version_current

log = structlog.get_logger(__name__)

# A run that failed has asked for a person; one that fails each time must not start itself again.
_A_PERSON_S = frozenset({RunStatus.FAILED, RunStatus.COMPENSATED, RunStatus.STUCK})
# What keeps a run from going on for ever, and what such a failure is called.
_LIMITS = frozenset(
    {
        "no_progress",
        "oscillation",
        "step_limit",
        "visits_exhausted",
        "attempts_exhausted",
        "budget_exceeded",
    }
)


class RunHost:
    """The engine's ``Host``: selectors, the rescue of a step, metrics and closing events.

    With ``gives_way``, as in the bulk lane, each step waits for express runs on a busy machine.
    """

    def __init__(self, *, gives_way: bool = False) -> None:
        self.gives_way = gives_way
        self.leaves_turn_of: UUID | None = None

    def before_step(self, run: ClaimedRun) -> None:
        """Let go of a run that was stopped, and let express runs go first."""
        if runs_are_stopped(run.workflow):
            raise LeaseLost(str(run.id))
        if self.gives_way:
            give_way()

    def graph(self, *, workflow: str, content_hash: str) -> Graph:
        """Return the graph of an exact text."""
        return selectors.graph_get(workflow=workflow, content_hash=content_hash)

    def current(self, workflow: str) -> Graph:
        """Return what answers under a name now."""
        return version_current(workflow=workflow)

    def rescue(self, run: ClaimedRun, state: RunState, graph: Graph | None) -> None:
        """Call what the workflow falls back to, and queue the conversation for a person."""
        if graph is not None and graph.fallback:
            fall_back(graph.fallback, run, state)
        if run.conversation_id is not None:
            rescue(conversation_id=run.conversation_id, run_id=run.id)

    def committed(self, run: ClaimedRun, state: RunState, facts: Sequence[RunEvent]) -> None:
        """Count steps and ended runs, and settle what an ended run took of the quotas."""
        for fact in facts:
            if fact.type is EventType.STEP_COMPLETED:
                duration = fact.payload["duration_ms"] / 1000
                _step_seconds(fact.payload["kind"]).observe(duration)
                _progress(fact.payload["kind"]).inc()
            elif fact.type is EventType.STEP_FAILED and fact.payload["code"] in _LIMITS:
                safety_violations.labels(limit=fact.payload["code"]).inc()
        if not state.status.is_active:
            if state.status not in _A_PERSON_S:
                self.leaves_turn_of = run.conversation_id
            # A tenant's own workflow names are unbounded, a release's are not.
            name = run.workflow if run.workflow in library() else "own"
            agent_runs_total.labels(workflow=name, status=state.status.value).inc()
            agent_run_duration_seconds.labels(workflow=name).observe(_seconds(run))
            sent = state.latest("reply") or {}
            run_settle(run.id, has_replied=sent.get("status") == "sent")

    def closing_events(self, run: ClaimedRun, state: RunState) -> Sequence[Event]:
        """Tell the other apps that the run is over."""
        return [
            RunCompleted(
                run_id=run.id,
                workflow=run.workflow,
                status=state.status.value,
                duration_ms=round(_seconds(run) * 1000),
                conversation_id=run.conversation_id,
            )
        ]


def fall_back(name: str, run: ClaimedRun, state: RunState) -> None:
    """Call the tool that a workflow names for runs that failed; a person comes whatever it does.

    Under a key of the run's own, so that a repetition acts once; only a tool that promises that is
    called.
    """
    try:
        tool = tool_get(name)
        if tool.has_side_effects and not tool.is_idempotent:
            raise ToolFailed("A tool to fall back to must be safe to repeat.")
        given = {"text": state.input.get("text", ""), "error": state.error.get("code", "")}
        with deadline_scope(tool.timeout_seconds), cancel_scope(CancelToken()) as token:
            tool_attempt(
                tool,
                key=f"{run.id}:fallback",
                input=given,
                run_id=run.id,
                conversation_id=run.conversation_id,
                cancel=token,
            )
    except DomainError as error:
        log.warning("run_fallback_failed", run=str(run.id), tool=name, code=error.code)


@cache
def _step_seconds(kind: str) -> Histogram:
    return step_duration_seconds.labels(step_type=kind)


@cache
def _progress(kind: str) -> Counter:
    return progress_events.labels(step_type=kind)


def _seconds(run: ClaimedRun) -> float:
    return max(0.0, (timezone.now() - run.started_at).total_seconds())
