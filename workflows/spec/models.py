"""The shape of a workflow file."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from workflows.spec.conditions import Condition
from workflows.spec.kinds import in_document
from workflows.spec.policies import ANY, RETRYABLE, TIMEOUT
from workflows.spec.units import Cost, Duration
from workflows.spec.values import Value

MAX_STEPS = 500

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,99}(@[0-9.]{1,20})?$")]
Text = Annotated[str, StringConstraints(max_length=2_000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Codes = Annotated[
    list[Name],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1, max_length=20),
    WithJsonSchema(
        {
            "description": "Error codes, or retryable, timeout, any",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20},
            ],
        }
    ),
]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Part(BaseModel):
    """Base of everything in a file: unknown keys and loose types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Trigger(Part):
    """What starts the workflow."""

    type: Literal["message", "websocket", "webhook", "manual"]
    event: Text = ""
    endpoint: Text = ""


class RetrySpec(Part):
    """How often a step is tried, and how long to wait in between."""

    on: Codes = [RETRYABLE, TIMEOUT]
    max: Annotated[int, Field(ge=1, le=20)] = 3
    backoff: Duration = 1.0
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    max_backoff: Duration = 60.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.5


Retrying = Annotated[
    Annotated[Name, Tag("(name)")] | Annotated[RetrySpec, Tag("(retry)")],
    Discriminator(lambda value: "(name)" if isinstance(value, str) else "(retry)"),
]


Next = Annotated[Name, AfterValidator(in_document)]


class CatchSpec(Part):
    """Where to go on which errors."""

    on: Codes = [ANY]
    next: Next


class CompensateSpec(Part):
    """The tool that undoes the step; without an input it is given the step's output."""

    tool: ToolName
    input: dict[str, Value] | None = None


class BudgetSpec(Part):
    """What may be spent."""

    wall_ms: Count | None = None
    tokens: Count | None = None
    cost: Cost | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.wall_ms is None and self.tokens is None and self.cost is None:
            raise PydanticCustomError("budget", "Give at least one of wall_ms, tokens, cost.")
        return self


class BulkheadSpec(Part):
    """How many steps under one name at once."""

    name: Name
    limit: Annotated[int, Field(ge=1, le=1_000)]


class BreakerSpec(Part):
    """After how many failures in a row to refuse calls, and for how long."""

    name: Name
    failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    reset: Duration = 30.0


class UndoSpec(Part):
    """A compensation named at the end of the file: the tool that undoes a step."""

    step: Name
    action: ToolName


class RetryHandling(Part):
    """How often every step is tried that does not say so itself."""

    type: Literal["retry"]
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    backoff_factor: Annotated[float, Field(ge=1, le=10)] = 2.0


class FallbackHandling(Part):
    """The tool to call for a run that failed, before a person is brought in."""

    type: Literal["fallback"]
    action: ToolName


# The tags of a choice show up in the paths of errors; the brackets tell them from keys.
Handling = Annotated[
    Annotated[RetryHandling, Tag("(retry)")] | Annotated[FallbackHandling, Tag("(fallback)")],
    Discriminator(
        lambda value: f"({value.get('type')})" if isinstance(value, dict) else "(retry)",
        custom_error_type="error_handling",
        custom_error_message="Here must stand 'type: retry' or 'type: fallback'.",
    ),
]


class LimitsSpec(Part):
    """Bounds of a whole run."""

    steps: Annotated[int, Field(ge=1, le=100_000)]


class StepSpec(Part):
    """One step as written; its ``config`` is checked by the step type."""

    id: Name
    type: Word
    description: Text = ""
    when: Condition | None = Field(default=None, alias="if")
    condition: Condition | None = None
    next: Next | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    tool: ToolName | None = None
    model: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    timeout: Duration | None = None
    retry: Retrying | None = None
    catch: Annotated[list[CatchSpec], Field(max_length=20)] = Field(default_factory=list)
    compensate: CompensateSpec | None = None
    budget: BudgetSpec | None = None
    bulkhead: BulkheadSpec | None = None
    breaker: BreakerSpec | None = None
    max_visits: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @property
    def guard(self) -> Condition | None:
        """The condition under either of its two spellings."""
        return self.when or self.condition

    @property
    def guard_key(self) -> str:
        """The spelling that was used."""
        return "if" if self.when else "condition"

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if self.when and self.condition:
            raise PydanticCustomError("condition", "Give 'if' or 'condition', not both.")
        return self


class WorkflowSpec(Part):
    """A whole workflow file; its steps are checked one by one, so that all mistakes are found."""

    name: Name
    use: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")]
    description: Text = ""
    triggers: Annotated[list[Trigger], Field(max_length=20)] = Field(default_factory=list)
    input: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    result: Annotated[dict[Name, Value], Field(max_length=50)] = Field(default_factory=dict)
    limits: LimitsSpec | None = None
    budget: BudgetSpec | None = None
    compensation: Annotated[list[UndoSpec], Field(max_length=MAX_STEPS)] = Field(
        default_factory=list
    )
    error_handling: Annotated[list[Handling], Field(max_length=2)] = Field(default_factory=list)
    retries: Annotated[dict[Name, RetrySpec], Field(max_length=50)] = Field(default_factory=dict)
    steps: Annotated[list[Any], Field(min_length=1)]
