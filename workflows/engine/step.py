"""What a step type is, what it may look at and hand back, and the register of those that exist."""

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_serializer

from core.errors import DomainError
from core.events.catalogue import Event
from core.resilience.cancellation import CancelToken
from workflows.engine.events import EventType, RunStatus
from workflows.engine.state import Answer, Call, Finished, RunState, Token
from workflows.spec.conditions import Condition
from workflows.spec.graph import Graph, Node
from workflows.spec.kinds import FreeConfig, StepConfig, StepKind
from workflows.spec.values import Expression, Value


class StepOutput(BaseModel):
    """Base of every step's output: stored as JSON in the run's events."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class JsonOutput(StepOutput):
    """An output that is whatever JSON object it is given, such as a tool's."""

    value: dict[str, Any]

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        return self.value


ConfigT = TypeVar("ConfigT", bound=StepConfig)
OutputT = TypeVar("OutputT", bound=StepOutput)
WriteAhead = Callable[[EventType, Mapping[str, Any]], None]


class StepFailed(DomainError):
    """A step that cannot do its work in this run."""

    code = "step_failed"
    title = "A step of the workflow could not do its work."
    http_status = 500


class BudgetExceeded(DomainError):
    """A step that would spend more than the run, or the step itself, may."""

    code = "budget_exceeded"
    title = "The budget of this run does not reach that far."
    http_status = 500


class Graphs(Protocol):
    """Supplies workflows by name and by exact text."""

    def graph(self, *, workflow: str, content_hash: str) -> Graph:
        """Return the graph of an exact text."""
        ...

    def current(self, workflow: str) -> Graph:
        """Return the graph that answers under a name now; its exact text is on record."""
        ...


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step may look at: the run, what was gathered so far, and how long it may take.

    ``deadline`` is a moment of ``time.monotonic``; ``write_ahead`` commits a fact before the step
    goes on; ``cancel`` is cancelled when the run is, or when its lease is lost; ``graphs`` has
    other workflows' graphs.
    """

    run_id: UUID
    step_id: str
    conversation_id: UUID | None
    state: RunState
    deadline: float
    node: Node
    graph: Graph
    cancel: CancelToken
    graphs: Graphs
    write_ahead: WriteAhead
    scope: str = ""

    @property
    def token(self) -> Token:
        """The line of execution this step stands in."""
        return self.state.tokens[self.scope]

    @property
    def input(self) -> Mapping[str, Any]:
        """The input of the run, or of the sub-workflow the step belongs to."""
        return self.state.input_of(self.scope)

    @property
    def turn(self) -> Mapping[str, Any]:
        """The run's own input: the turn that a conversation's run answers."""
        return self.state.input

    @property
    def answer(self) -> Answer | None:
        """How the wait ended that this step opened the last time it ran."""
        return self.token.answer

    @property
    def finished(self) -> tuple[Finished, ...]:
        """What the children that this step opened have come to, in the order they were done."""
        return self.token.finished

    @property
    def call_in_doubt(self) -> Call | None:
        """The tool call that a dead worker left without an outcome."""
        return self.token.call

    @property
    def key(self) -> str:
        """Identify this visit to this step, whichever worker makes it: ``run:scope:step:visit``."""
        visit = self.state.visits(self.scope, self.step_id)
        return f"{self.run_id}:{self.scope}:{self.step_id}:{visit}"

    @property
    def part(self) -> str:
        """Name what this visit adds to the run, in at most 40 characters."""
        return hashlib.blake2b(self.key.encode(), digest_size=20).hexdigest()

    @property
    def seconds_left(self) -> float:
        """Return how long the step may still take."""
        return max(0.0, self.deadline - time.monotonic())

    def entry(self, body: str) -> str:
        """Return the first step of one of this container's bodies."""
        return self.graph.entries[body]

    def holds(self, condition: Condition, values: Mapping[str, Any] | None = None) -> bool:
        """Evaluate a condition over the run's values, and others that go before them."""
        known = scope_of(self.state, condition.names, self.scope)
        return condition.holds({**known, **(values or {})})

    def render(self, value: Value) -> Any:
        """Fill in a value; raises ``ConditionFailed``."""
        return value.render(scope_of(self.state, value.names, self.scope))

    def render_all(self, config: FreeConfig) -> dict[str, Any]:
        """Fill in every value of a config of any keys; raises ``ConditionFailed``."""
        values = (config.model_extra or {}).values()
        names = frozenset[str]().union(*(value.names for value in values))
        return config.render(scope_of(self.state, names, self.scope))

    def evaluate(self, expression: Expression) -> Any:
        """Work out an expression; raises ``ConditionFailed``."""
        return expression.evaluate(scope_of(self.state, expression.names, self.scope))

    @property
    def left_to_spend(self) -> tuple[int | None, int | None]:
        """Return the money (in millionths) and tokens left to this step; None without a bound."""
        run, own, state = self.graph.budget, self.node.policy.budget, self.state
        costs = [own.cost_micro] if own and own.cost_micro is not None else []
        tokens = [own.tokens] if own and own.tokens is not None else []
        if run and run.cost_micro is not None:
            costs.append(max(0, run.cost_micro - state.cost_micro))
        if run and run.tokens is not None:
            tokens.append(max(0, run.tokens - state.tokens_used))
        return min(costs, default=None), min(tokens, default=None)

    def latest(self, kind: str) -> Mapping[str, Any] | None:
        """Return the latest output of a step type that this step can see."""
        return self.state.latest(kind, self.scope)

    def output_of(self, kind: str) -> Mapping[str, Any]:
        """Return the latest output of a step type; raises ``StepFailed`` if none ran before."""
        found = self.latest(kind)
        if found is None:
            raise StepFailed(f"This step needs a '{kind}' step before it.")
        return found


@dataclass(frozen=True, slots=True)
class StepOutcome(Generic[OutputT]):
    """What a step hands back when it is done.

    ``next`` overrides where the run goes, ``ends_as`` ends it, ``result`` is shown as the run's own
    result, ``exports`` are values it sets beyond its type's, ``events`` are published in the
    transaction that commits the step. ``cost_micro`` counts millionths of ``currency``, ``tokens``
    those of a model.
    """

    output: OutputT
    next: str | None = None
    ends_as: RunStatus | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    exports: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    cost_micro: int = 0
    currency: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Child:
    """A body to walk: ``key`` tells it from its siblings, ``values`` is what it knows besides.

    A sub-workflow has its own ``input`` and the text it is pinned to, and sees nothing around it.
    """

    key: str
    next: str
    values: Mapping[str, Any] = field(default_factory=dict)
    input: Mapping[str, Any] | None = None
    workflow: str = ""
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Opens:
    """Handed back by a container: walk these side by side, then run it again."""

    children: Sequence[Child]


@dataclass(frozen=True, slots=True)
class Waits:
    """Handed back by a step that waits: run it again when answered, or ``seconds`` are over.

    ``kind`` is timer, question or approval; ``data`` is what people are shown, ``result`` and
    ``events`` as in ``StepOutcome``.
    """

    kind: str
    seconds: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()


Came = StepOutcome[OutputT] | Opens | Waits


class Step(ABC, Generic[ConfigT, OutputT]):
    """A step type. Subclass, set the class variables, implement ``run``, decorate with ``step``."""

    name: ClassVar[str]
    config: ClassVar[type[StepConfig]]
    output: ClassVar[type[StepOutput]]
    exports: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[bool] = False
    jumps: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    has_side_effects: ClassVar[bool] = False
    timeout_seconds: ClassVar[float] = 5.0
    # What follows from the state alone need not be on record before the next step begins: after a
    # crash it comes out the same. Such an outcome rides on the next step's commit.
    is_pure: ClassVar[bool] = False

    @abstractmethod
    def run(self, config: ConfigT, context: StepContext) -> Came[OutputT]:
        """Do the work, outside any transaction; repeated after a crash before its commit."""

    def reads(self, config: ConfigT, context: StepContext) -> Mapping[str, Any]:
        """Return what the outcome depends on besides the config, as JSON: a replay compares it."""
        return {}

    @classmethod
    def exports_of(cls, config: StepConfig) -> frozenset[str]:
        """Return the names that a step of this type sets besides ``exports``."""
        return frozenset()

    @classmethod
    def locals_of(cls, config: StepConfig) -> frozenset[str]:
        """Return the names that the bodies of such a container know besides."""
        return frozenset()

    @classmethod
    def kind(cls) -> StepKind:
        """Describe this type to the language."""
        return StepKind(
            name=cls.name,
            config=cls.config,
            exports=frozenset(cls.exports),
            ends=cls.ends,
            jumps=cls.jumps,
            exports_of=cls.exports_of,
            locals_of=cls.locals_of,
            has_side_effects=cls.has_side_effects,
            waits=cls.waits,
        )


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


def scope_of(state: RunState, names: frozenset[str], scope: str = "") -> dict[str, Any]:
    """Gather the values that an expression names; whole outputs only when it asks for them."""
    given = state.input_of(scope)
    found: dict[str, Any] = {"text": given.get("text"), "channel": given.get("channel")}
    found.update(state.values_in(scope))
    if "input" in names:
        found["input"] = dict(given)
    if "steps" in names:
        outputs = state.outputs_in(scope)
        found["steps"] = {key: dict(value) for key, value in outputs.items()}
    return found
