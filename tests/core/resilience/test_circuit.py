"""The circuit as a state machine: Redis, the process alone and a plain model decide alike.

Time passes in the machine by moving every stored instant into the past, so that Redis' own clock
can stay the one that decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core.resilience import shared
from core.resilience.circuit import (
    Admission,
    Circuit,
    LocalCircuits,
    Outcome,
    State,
    shared_enter,
    shared_leave,
)

LIMIT, RESET, PROBE = 3, 100.0, 250.0
INSTANTS = ("until", "probe_until", "closed_at")


class Model:
    """The rules, said as plainly as possible; `now` is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.failures = 0
        self.open_until: float | None = None
        self.probe: str | None = None
        self.probe_until = 0.0
        self.epoch = 0

    def enter(self, holder: str) -> State:
        if self.open_until is None:
            return State.CLOSED
        is_probed = self.probe is not None and self.now < self.probe_until
        if self.now < self.open_until or is_probed:
            return State.OPEN
        self.probe, self.probe_until = holder, self.now + PROBE
        return State.HALF_OPEN

    def leave(self, holder: str, epoch: int, outcome: Outcome) -> None:
        if self.open_until is not None:
            if self.probe == holder:
                self._probed(outcome)
        elif outcome is Outcome.SUCCESS:
            self.failures = 0
        elif outcome is Outcome.FAILURE and epoch == self.epoch:
            self.failures += 1
            if self.failures >= LIMIT:
                self._open()

    def _probed(self, outcome: Outcome) -> None:
        self.probe = None
        if outcome is Outcome.FAILURE:
            self._open()
        if outcome is Outcome.SUCCESS:
            self.open_until, self.failures = None, 0
            self.epoch += 1

    def _open(self) -> None:
        self.open_until, self.failures = self.now + RESET, 0


Call = tuple[str, int, float, float]


class CircuitMachine(RuleBasedStateMachine):
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.skipped = 0.0
        self.local = LocalCircuits(clock=lambda: time.monotonic() + self.skipped)
        self.circuit = Circuit(f"fd:test:circuit:{uuid4().hex}", LIMIT, RESET, PROBE)

    def teardown(self) -> None:
        shared.client().delete(self.circuit.key)

    @rule(target=calls)
    def begin(self) -> object:
        holder = uuid4().hex
        expected = self.model.enter(holder)
        in_redis = shared_enter(self.circuit, holder)
        alone = self.local.enter(self.circuit, holder)
        assert in_redis.state is alone.state is expected
        if expected is State.OPEN:
            assert 0 < in_redis.wait_seconds <= max(RESET, PROBE)
            assert abs(in_redis.wait_seconds - alone.wait_seconds) < 5
            return multiple()
        return holder, self.model.epoch, in_redis.at + self.skipped, alone.at

    @rule(call=consumes(calls), outcome=st.sampled_from(Outcome))
    def end(self, call: Call, outcome: Outcome) -> None:
        holder, epoch, began, began_alone = call
        self.model.leave(holder, epoch, outcome)
        # The instants in Redis were moved back by what was skipped since; so is the beginning.
        ended = shared_leave(self.circuit, holder, began - self.skipped, outcome)
        alone = self.local.leave(self.circuit, holder, began_alone, outcome)
        assert ended.state is alone.state
        assert (ended.state is State.CLOSED) == (self.model.open_until is None)

    @rule(call=consumes(calls))
    def die(self, call: Call) -> None:
        """Its worker is killed: the call never tells how it went."""

    @rule(seconds=st.sampled_from([10.0, 110.0, 260.0]))
    def wait(self, seconds: float) -> None:
        self.model.now += seconds
        self.skipped += seconds
        for instant in INSTANTS:
            at = float(shared.client().hget(self.circuit.key, instant) or 0)
            if at:
                shared.client().hset(self.circuit.key, instant, f"{at - seconds:.6f}")


@pytest.mark.usefixtures("acme")
def test_redis_and_the_process_alone_decide_as_the_model_does() -> None:
    run_state_machine_as_test(
        CircuitMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


Enter = Callable[[Circuit, str], Admission]
Leave = Callable[[Circuit, str, float, Outcome], Admission]
_local = LocalCircuits()


@pytest.mark.parametrize(
    ("enter", "leave"), [(shared_enter, shared_leave), (_local.enter, _local.leave)]
)
def test_stale_failure_does_not_count_against_a_circuit_that_closed_since(
    enter: Enter, leave: Leave
) -> None:
    """A call that was under way when others found the circuit broken, and then mended."""
    circuit = Circuit(f"fd:test:circuit:{uuid4().hex}", 1, reset_seconds=0.01, probe_seconds=10)
    stale = enter(circuit, "stale")
    leave(circuit, "first", enter(circuit, "first").at, Outcome.FAILURE)
    time.sleep(0.02)
    assert enter(circuit, "probe").state is State.HALF_OPEN
    leave(circuit, "probe", 0.0, Outcome.SUCCESS)
    assert leave(circuit, "stale", stale.at, Outcome.FAILURE).state is State.CLOSED
    fresh = enter(circuit, "fresh")
    assert leave(circuit, "fresh", fresh.at, Outcome.FAILURE).state is State.OPEN
