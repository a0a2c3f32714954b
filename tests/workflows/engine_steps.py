"""Step types and a host that need no business app, to see the engine alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from core.events.catalogue import Event
from workflows.engine import journal
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.host import ClaimedRun
from workflows.engine.state import RunState
from workflows.engine.step import (
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    StepOutput,
    kinds,
    step,
    step_forget,
)
from workflows.spec.graph import Graph
from workflows.spec.kinds import StepConfig
from workflows.spec.loading import load


class Crash(BaseException):
    """A worker that dies: not an error any code handles."""


class CountConfig(StepConfig):
    crash: bool = False
    fail: bool = False
    break_: bool = False
    end: bool = False


class CountOutput(StepOutput):
    number: int
    text: str


@dataclass
class Bench:
    """What the steps did, across workers."""

    visits: list[str] = field(default_factory=list)
    rescued: list[UUID] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    crash_after: set[int] = field(default_factory=set)
    crash_in: set[str] = field(default_factory=set)
    crash_in_rescue: bool = False
    graph_: Graph | None = None
    others: dict[str, Graph] = field(default_factory=dict)
    during: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def graph(self, *, workflow: str, content_hash: str) -> Graph:
        found = [self.graph_, *self.others.values()]
        return next(graph for graph in found if graph and graph.content_hash == content_hash)

    def current(self, workflow: str) -> Graph:
        return self.others[workflow]

    def rescue(self, run: ClaimedRun, state: RunState, graph: Graph | None) -> None:
        if self.crash_in_rescue:
            self.crash_in_rescue = False
            raise Crash
        self.rescued.append(run.id)

    def before_step(self, run: ClaimedRun) -> None:
        pass

    def committed(self, run: ClaimedRun, state: RunState, facts: Sequence[RunEvent]) -> None:
        self.commits.append(state.seq)
        if state.seq in self.crash_after:
            self.crash_after.remove(state.seq)
            raise Crash

    def closing_events(self, run: ClaimedRun, state: RunState) -> Sequence[Event]:
        return []


BENCH = Bench()


class CountStep(Step[CountConfig, CountOutput]):
    name = "count"
    config = CountConfig
    output = CountOutput
    exports = ("number",)

    def run(self, config: CountConfig, context: StepContext) -> StepOutcome[CountOutput]:
        BENCH.visits.append(context.step_id)
        if context.step_id in BENCH.crash_in:
            BENCH.crash_in.remove(context.step_id)
            raise Crash
        if context.step_id in BENCH.during:
            BENCH.during[context.step_id]()
        if config.fail:
            raise StepFailed("It cannot be done.")
        if config.break_:
            raise KeyError("a mistake in the step")
        output = CountOutput(number=len(context.state.records) + 1, text="seen\x00 ü")
        ends_as = RunStatus.SUPERSEDED if config.end else None
        return StepOutcome(output, ends_as=ends_as, result={"last": context.step_id})


@contextmanager
def engine_bench(source: str) -> Iterator[Bench]:
    """Register the steps and compile a workflow for the time of a test."""
    step(CountStep)
    BENCH.__init__()  # type: ignore[misc]  # one shared object: steps reach it by name
    BENCH.graph_ = load(source, kinds())
    try:
        yield BENCH
    finally:
        step_forget(CountStep.name)


def new_run(graph: Graph | None, *, conversation_id: UUID | None = None, **values: Any) -> UUID:
    """Insert a run of a graph; returns its id, or raises if it was refused."""
    assert graph is not None
    run = journal.NewRun(
        id=uuid4(),
        workflow=graph.name,
        version=graph.version,
        content_hash=graph.content_hash,
        conversation_id=conversation_id,
        trigger_event_id=values.pop("trigger_event_id", uuid4()),
        answered_seq=values.pop("answered_seq", None),
        started_at=timezone.now(),
    )
    payload = {"input": values, "next": graph.entry}
    started = journal.fact(1, EventType.RUN_STARTED, "", payload, timezone.now())
    assert journal.start(run, started)
    return run.id


def lease_lapse(run_id: UUID) -> None:
    """Let time pass for a run whose worker is gone."""
    from workflows.models import Run

    Run.objects.filter(pk=run_id).update(lease_until=timezone.now() - timedelta(seconds=1))
