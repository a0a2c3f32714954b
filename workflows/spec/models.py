"""The shape of a workflow file."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from workflows.spec.conditions import Condition

MAX_STEPS = 500

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=2_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Trigger(_Part):
    """What starts the workflow."""

    type: Literal["message", "websocket", "webhook", "manual"]
    event: Text = ""
    endpoint: Text = ""


class StepSpec(_Part):
    """One step as written; its ``config`` is checked by the step type."""

    id: Name
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    description: Text = ""
    when: Condition | None = Field(default=None, alias="if")
    condition: Condition | None = None
    next: Name | None = None
    config: dict[str, Any] = Field(default_factory=dict)

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


class WorkflowSpec(_Part):
    """A whole workflow file; its steps are checked one by one, so that all mistakes are found."""

    name: Name
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")]
    description: Text = ""
    triggers: Annotated[list[Trigger], Field(max_length=20)] = Field(default_factory=list)
    steps: Annotated[list[Any], Field(min_length=1, max_length=MAX_STEPS)]
