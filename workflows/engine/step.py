"""What a step type is, and the register of those that exist."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from core.errors import DomainError
from core.events.catalogue import Event
from workflows.engine.events import RunStatus
from workflows.engine.state import RunState
from workflows.spec.conditions import Condition
from workflows.spec.kinds import StepConfig, StepKind


class StepOutput(BaseModel):
    """Base of every step's output: stored as JSON in the run's events."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ConfigT = TypeVar("ConfigT", bound=StepConfig)
OutputT = TypeVar("OutputT", bound=StepOutput)


class StepFailed(DomainError):
    """A step that cannot do its work in this run."""

    code = "step_failed"
    title = "A step of the workflow could not do its work."
    http_status = 500


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may look at: the run, what was gathered so far, and how long it may take."""

    run_id: UUID
    step_id: str
    conversation_id: UUID | None
    state: RunState
    deadline: float

    @property
    def input(self) -> Mapping[str, Any]:
        """The run's input, as it was when the run started."""
        return self.state.input

    @property
    def seconds_left(self) -> float:
        """Return how long the step may still take."""
        return max(0.0, self.deadline - time.monotonic())

    def holds(self, condition: Condition) -> bool:
        """Evaluate a condition over the run's values."""
        return condition.holds(scope_of(self.state, condition))

    def output_of(self, kind: str) -> Mapping[str, Any]:
        """Return the latest output of a step type; raises ``StepFailed`` if none ran before."""
        found = self.state.latest(kind)
        if found is None:
            raise StepFailed(f"This step needs a '{kind}' step before it.")
        return found


@dataclass(frozen=True, slots=True)
class StepOutcome(Generic[OutputT]):
    """What a step hands back.

    ``next`` overrides where the run goes, ``ends_as`` ends it, ``result`` is shown as the run's own
    result, ``events`` are published in the transaction that commits the step. ``cost_micro`` counts
    millionths of ``currency``.
    """

    output: OutputT
    next: str | None = None
    ends_as: RunStatus | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    cost_micro: int = 0
    currency: str = ""


class Step(ABC, Generic[ConfigT, OutputT]):
    """A step type. Subclass, set the class variables, implement ``run``, decorate with ``step``."""

    name: ClassVar[str]
    config: ClassVar[type[StepConfig]]
    output: ClassVar[type[StepOutput]]
    exports: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[bool] = False
    jumps: ClassVar[bool] = False
    timeout_seconds: ClassVar[float] = 5.0
    # What follows from the state alone need not be on record before the next step begins: after a
    # crash it comes out the same. Such an outcome rides on the next step's commit.
    is_pure: ClassVar[bool] = False

    @abstractmethod
    def run(self, config: ConfigT, context: StepContext) -> StepOutcome[OutputT]:
        """Do the work, outside any transaction; repeated after a crash before its commit."""

    @classmethod
    def kind(cls) -> StepKind:
        """Describe this type to the language."""
        return StepKind(cls.name, cls.config, frozenset(cls.exports), cls.ends, cls.jumps)


StepType = TypeVar("StepType", bound=type[Step[Any, Any]])

_registered: dict[str, Step[Any, Any]] = {}


def step(cls: StepType) -> StepType:
    """Register a step type under its name; two types cannot share one."""
    known = _registered.get(cls.name)
    if known is not None and type(known).__qualname__ != cls.__qualname__:
        raise ValueError(f"Two step types are named '{cls.name}'.")
    _registered[cls.name] = cls()
    return cls


def step_get(name: str) -> Step[Any, Any]:
    """Return a registered step type; raises ``StepFailed`` for a name this release lacks."""
    if name not in _registered:
        raise StepFailed(f"This release has no step type '{name}'.")
    return _registered[name]


def step_forget(name: str) -> None:
    """Remove a step type, so that a test's own types stay in that test."""
    _registered.pop(name, None)


def kinds() -> dict[str, StepKind]:
    """Return every registered step type as the language sees it."""
    return {name: registered.kind() for name, registered in _registered.items()}


def scope_of(state: RunState, condition: Condition) -> dict[str, Any]:
    """Gather the values a condition names; whole outputs only when it asks for them."""
    scope: dict[str, Any] = {"text": state.input.get("text"), "channel": state.input.get("channel")}
    scope.update(state.values)
    if "input" in condition.names:
        scope["input"] = dict(state.input)
    if "steps" in condition.names:
        scope["steps"] = {key: dict(value) for key, value in state.outputs.items()}
    return scope
