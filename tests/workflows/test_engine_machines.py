"""State machines: in whatever order things happen, fold, saga and lease keep their word."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.tenancy import TenantContext
from tests.workflows.engine_steps import Bench, Crash, engine_bench, lease_lapse, new_run
from tests.workflows.engine_tools import Died, Shop, shop_open
from workflows import steps, versions
from workflows.engine import journal, saga
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.folding import JournalCorrupt, apply, fold
from workflows.engine.host import ClaimedRun
from workflows.engine.journal import LeaseLost
from workflows.engine.state import RunState, scope_join
from workflows.engine.step import kinds
from workflows.models import Run
from workflows.spec.kinds import END
from workflows.spec.loading import load
from workflows.stopping import runs_purge

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = st.sampled_from(["route", "search", "answer"])
VALUES = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 9), max_size=2)
UNDO_OF = {"reserve": "release", "charge": "refund", "mail": "unmail"}


def machine_run(kind: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run a machine for a bounded number of examples, so that the suite stays quick."""
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


class FoldMachine(RuleBasedStateMachine):
    """Events of every kind, as a run may see them; the state is folded as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[RunEvent] = []
        self.state = RunState()
        self.states: list[RunState] = [self.state]

    def happens(
        self, fact: EventType, step_id: str = "", scope: str = "", /, **payload: Any
    ) -> None:
        if scope:
            payload["scope"] = scope
        seq = len(self.events) + 1
        event = RunEvent(seq, fact, step_id, payload, BEGAN + timedelta(seconds=seq))
        self.events.append(event)
        self.state = apply(self.state, event)
        self.states.append(self.state)

    def scope(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.ready)), "scope")

    @property
    def ready(self) -> list[str]:
        if self.state.status is not RunStatus.RUNNING:
            return []
        return [scope for scope, token in self.state.tokens.items() if token.is_ready]

    @initialize(values=VALUES)
    def start(self, values: dict[str, Any]) -> None:
        self.happens(EventType.RUN_STARTED, input=values, next="route")

    @precondition(lambda self: self.ready)
    @rule(data=st.data(), step=STEPS, values=VALUES, undone=st.booleans(), ends=st.booleans())
    def step_completed(
        self, data: st.DataObject, step: str, values: dict[str, Any], undone: bool, ends: bool
    ) -> None:
        scope = self.scope(data)
        more: dict[str, Any] = {"mark": f"m{len(self.events)}"} if scope else {}
        if undone:
            key = f"undo-{len(self.events)}"
            more["undo"] = {"key": key, "tool": "release", "input": values, "group": ""}
        target = END if ends else data.draw(STEPS, "next")
        self.happens(
            EventType.STEP_COMPLETED, step, scope, kind="count", next=target,
            output=values, exports=values, cost_micro=3, currency="USD", tokens=2, **more,
        )  # fmt: skip

    @precondition(lambda self: self.ready)
    @rule(data=st.data(), step=STEPS, wanted=st.sampled_from(["skip", "retry", "call", "wait"]))
    def step_met(self, data: st.DataObject, step: str, wanted: str) -> None:
        scope = self.scope(data)
        if wanted == "skip":
            self.happens(EventType.STEP_SKIPPED, step, scope, kind="count", next="answer")
        elif wanted == "retry":
            told = {"kind": "count", "code": "x", "detail": "y", "attempt": 1}
            until = BEGAN.isoformat()
            self.happens(EventType.STEP_RETRIED, step, scope, **told, until=until)
        elif wanted == "call":
            called = {"key": f"k{len(self.events)}", "tool": "charge", "version": "1", "input": {}}
            self.happens(EventType.TOOL_REQUESTED, step, scope, **called)
            self.happens(EventType.TOOL_SUCCEEDED, step, scope, **called)
        else:
            wait = {"kind": "approval", "key": f"w{len(self.events)}", "until": "", "data": {}}
            self.happens(EventType.WAIT_OPENED, step, scope, kind="approval", wait=wait)

    @precondition(lambda self: self.state.status is RunStatus.RUNNING and self.state.waits)
    @rule(outcome=st.sampled_from(["answered", "expired"]), values=VALUES)
    def wait_closed(self, outcome: str, values: dict[str, Any]) -> None:
        scope = next(scope for scope, token in self.state.tokens.items() if token.wait)
        closed = {"wait": "w", "outcome": outcome, "value": values}
        self.happens(EventType.WAIT_CLOSED, "ask", scope, **closed)

    @precondition(lambda self: len(self.ready) in (1, 2, 3))
    @rule(data=st.data(), keys=st.integers(1, 3))
    def bodies_opened(self, data: st.DataObject, keys: int) -> None:
        scope = self.scope(data)
        children = [{"key": str(key), "next": "search"} for key in range(keys)]
        self.happens(EventType.SCOPE_OPENED, "each", scope, kind="foreach", children=children)
        assert self.state.tokens[scope].open == keys
        assert scope_join(scope, "each", "0") in self.state.tokens

    @precondition(lambda self: self.ready)
    @rule(data=st.data(), caught=st.booleans())
    def step_failed(self, data: st.DataObject, caught: bool) -> None:
        scope = self.scope(data)
        told: dict[str, Any] = {"kind": "count", "code": "x", "detail": "y"}
        if caught:
            told["caught"] = {"scope": scope, "next": "answer"}
        self.happens(EventType.STEP_FAILED, "search", scope, **told)

    @precondition(lambda self: self.state.status.is_active)
    @rule(attempt=st.integers(2, 5))
    def resumed(self, attempt: int) -> None:
        before = replace(self.state, seq=0)
        self.happens(EventType.RUN_RESUMED, attempt=attempt)
        assert replace(self.state, seq=0) == before

    @precondition(lambda self: self.state.status is RunStatus.COMPENSATING)
    @rule(
        data=st.data(),
        kind=st.sampled_from(
            [
                EventType.COMPENSATION_REQUESTED,
                EventType.COMPENSATION_SUCCEEDED,
                EventType.COMPENSATION_FAILED,
                EventType.COMPENSATION_ABANDONED,
            ]
        ),
    )
    def compensated(self, data: st.DataObject, kind: EventType) -> None:
        undo = data.draw(st.sampled_from([u for u in self.state.undos if u.is_open]), "undo")
        self.happens(kind, undo.step_id, key=undo.key, tool=undo.tool, attempt=1)

    @precondition(lambda self: self.state.status in (RunStatus.RUNNING, RunStatus.FAILING))
    @rule(status=st.sampled_from([RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.STUCK]))
    def ended(self, status: RunStatus) -> None:
        self.happens(EventType.RUN_ENDED, status=status.value)

    @precondition(lambda self: not self.state.status.is_active)
    @rule()
    def nothing_follows_the_end(self) -> None:
        with pytest.raises(JournalCorrupt):
            self.happens(EventType.RUN_RESUMED, attempt=2)
        self.events.pop()

    @invariant()
    def folded_at_once_and_read_back_it_is_the_same(self) -> None:
        stored = [
            RunEvent(e.seq, e.type, e.step_id, json.loads(json.dumps(e.payload)), e.at)
            for e in self.events
        ]
        assert fold(stored) == self.state
        half = len(self.events) // 2
        assert fold(self.events[half:], self.states[half]) == self.state

    @invariant()
    def every_container_counts_its_children(self) -> None:
        for scope, token in self.state.tokens.items():
            if token.open:
                around = f"{scope}/each/" if scope else "each/"
                below = [s for s in self.state.tokens if s.startswith(around)]
                assert len([s for s in below if "/" not in s[len(around) :]]) == token.open

    @invariant()
    def money_and_tokens_add_up(self) -> None:
        done = sum(e.type is EventType.STEP_COMPLETED for e in self.events)
        assert (self.state.cost_micro, self.state.tokens_used) == (3 * done, 2 * done)


def test_fold_keeps_its_word_over_any_history() -> None:
    machine_run(FoldMachine, examples=60, steps=25)


class SagaMachine(RuleBasedStateMachine):
    """A run of a few tools, its workers dying anywhere, its shop busy now and then."""

    shop: ClassVar[Shop]
    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.run_id = UUID(int=0)
        self.is_redriven = False

    @initialize(
        tools=st.lists(st.sampled_from(sorted(UNDO_OF)), min_size=1, max_size=4),
        fails=st.booleans(),
    )
    def begin(self, tools: list[str], fails: bool) -> None:
        self.shop.clear()
        self.bench.crash_after.clear()
        lines = [
            f"  - {{id: t{n}, type: tool, tool: {tool}, config: {{item: i{n}}},"
            f" compensate: {{tool: {UNDO_OF[tool]}, input: {{item: i{n}}}}}}}"
            for n, tool in enumerate(tools)
        ]
        lines.append(f"  - {{id: last, type: count, config: {{fail: {str(fails).lower()}}}}}")
        source = 'name: saga\nversion: "1"\nsteps:\n' + "\n".join(lines)
        versions.workflow_publish(source=source, published_by=None)  # a purge reads its text
        self.bench.graph_ = load(source, kinds())
        self.wanted = [f"{tool} i{n}" for n, tool in enumerate(tools)]
        self.undoing = [f"{UNDO_OF[tool]} i{n}" for n, tool in enumerate(tools)]
        self.run_id = new_run(self.bench.graph_)

    @property
    def state(self) -> RunState:
        return fold(journal.events(self.run_id))

    @rule()
    def drive(self) -> None:
        try:
            run_drive(self.run_id, self.bench)
        except (Died, Crash):
            lease_lapse(self.run_id)

    @rule(ahead=st.integers(1, 5))
    def dies_at_a_commit(self, ahead: int) -> None:
        self.bench.crash_after.add(self.state.seq + ahead)

    @rule(tool=st.sampled_from([*UNDO_OF, *UNDO_OF.values()]))
    def dies_in_a_call(self, tool: str) -> None:
        self.shop.dies_after.add(tool)

    @rule(tool=st.sampled_from([*UNDO_OF, *UNDO_OF.values()]), times=st.integers(1, 5))
    def is_busy(self, tool: str, times: int) -> None:
        self.shop.fails[tool] = times

    @rule()
    def cancel(self) -> None:
        journal.cancel_request(self.run_id, "requested")

    @rule()
    def purge(self) -> None:
        runs_purge()

    @precondition(lambda self: self.state.status is RunStatus.STUCK)
    @rule()
    def redrive(self) -> None:
        self.is_redriven = True
        with transaction.atomic():
            assert journal.redrive(self.run_id)

    @invariant()
    def everything_is_done_in_order_and_undone_in_reverse(self) -> None:
        if not self.run_id.int:
            return
        done = [effect for effect in self.shop.done if effect in self.wanted]
        assert done == self.wanted[: len(done)]
        undone = [effect for effect in self.shop.done if effect in self.undoing]
        assert len(set(undone)) == len(undone)
        assert len(set(self.shop.done)) == len(self.shop.done)

    def teardown(self) -> None:
        """Let things go well from now on: the run ends, and either all of it stands or none."""
        if not self.run_id.int:
            return
        self.bench.crash_after.clear()
        self.shop.dies_after.clear()
        self.shop.fails.clear()
        for _ in range(20):
            self.drive()
            if self.state.status is RunStatus.STUCK:
                self.redrive()
            elif not self.state.status.is_active:
                break
        state = self.state
        assert not state.status.is_active
        assert Run.objects.get(pk=self.run_id).status == state.status.value
        undone = [effect for effect in self.shop.done if effect in self.undoing]
        if state.status is RunStatus.COMPLETED:
            assert (self.shop.done, undone) == (self.wanted, [])
        else:
            done = [effect for effect in self.shop.done if effect in self.wanted]
            needed = self.undoing[: len(done)]
            # A person who redrives what is in doubt may undo what was never done.
            assert set(needed) <= set(undone) if self.is_redriven else set(needed) == set(undone)


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


@pytest.mark.django_db(transaction=True)
def test_saga_stands_or_is_undone_whoever_dies(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saga, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    with engine_bench('name: saga\nversion: "1"\nsteps: [{id: a, type: count}]') as bench:
        SagaMachine.shop, SagaMachine.bench = shop, bench
        machine_run(SagaMachine, examples=150, steps=14)


class LeaseMachine(RuleBasedStateMachine):
    """Three workers and one run: whoever holds the lease writes, nobody else ever does."""

    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, ClaimedRun] = {}
        self.owner: int | None = None
        self.is_lapsed = True
        self.seq = 1

    @initialize()
    def begin(self) -> None:
        self.run_id = new_run(self.bench.graph_)

    def fact(self, seq: int) -> RunEvent:
        return journal.fact(seq, EventType.RUN_RESUMED, "", {"attempt": 2}, BEGAN)

    @rule(worker=st.integers(0, 2))
    def claim(self, worker: int) -> None:
        found = journal.claim(self.run_id)
        assert (found is not None) is (self.owner is None or self.is_lapsed)
        if found is not None:
            assert [event.seq for event in found.past] == list(range(1, self.seq + 1))
            self.held[worker] = found
            self.owner, self.is_lapsed = worker, False

    @precondition(lambda self: self.held)
    @rule(data=st.data(), ahead=st.integers(0, 1))
    def append(self, data: st.DataObject, ahead: int) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)), "worker")
        attempt = nullcontext() if worker == self.owner and ahead else pytest.raises(LeaseLost)
        with attempt:
            journal.append(self.held[worker], [self.fact(self.seq + ahead)])
        self.seq += worker == self.owner and ahead

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)), "worker")
        attempt = nullcontext() if worker == self.owner else pytest.raises(LeaseLost)
        with attempt:
            journal.extend(self.held[worker], RunState(seq=self.seq), 30.0)
            self.is_lapsed = False

    @rule()
    def time_passes(self) -> None:
        lease_lapse(self.run_id)
        self.is_lapsed = True

    @rule()
    def sweep(self) -> None:
        """Release a lapsed run: whoever held it has lost it from then on."""
        found = self.run_id in {run.id for run in journal.lapsed(limit=1000, grace_seconds=5)}
        if self.is_lapsed and self.owner is not None:
            assert found
        if found:
            self.owner = None

    @precondition(lambda self: self.owner is not None)
    @rule()
    def give_back(self) -> None:
        assert self.owner is not None
        with transaction.atomic():
            state = fold(journal.events(self.run_id))
            journal.suspend(self.held[self.owner], state, wake_at=None, keeps_turn=True)
        self.owner = None

    @invariant()
    def events_are_numbered_without_holes(self) -> None:
        if hasattr(self, "run_id"):
            seqs = [event.seq for event in journal.events(self.run_id)]
            assert seqs == list(range(1, self.seq + 1))


@pytest.mark.django_db(transaction=True)
def test_lease_has_one_writer_at_any_time(in_acme: TenantContext) -> None:
    with engine_bench('name: lease\nversion: "1"\nsteps: [{id: a, type: count}]') as bench:
        LeaseMachine.bench = bench
        machine_run(LeaseMachine, examples=60, steps=15)
