"""``switch``: go where the value of an expression points, or to the default."""

from typing import Annotated, Any

from pydantic import Field

from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step
from workflows.spec.kinds import StepConfig, Target
from workflows.spec.values import Expression


class SwitchCase(StepConfig):
    """A value and the step to go to when the expression gives it."""

    value: bool | int | float | str = Field(alias="is")
    next: Target


class SwitchConfig(StepConfig):
    """Cases in order; the default is mandatory, so that no value leaves the run without a way."""

    value: Expression = Field(alias="on")
    cases: Annotated[list[SwitchCase], Field(min_length=1, max_length=50)]
    default: Target


class SwitchOutput(StepOutput):
    """The way taken and the value that chose it."""

    taken: str
    because: str


@step
class SwitchStep(Step[SwitchConfig, SwitchOutput]):
    """Compare one value with each case."""

    name = "switch"
    config = SwitchConfig
    output = SwitchOutput
    jumps = True
    is_pure = True

    def run(self, config: SwitchConfig, context: StepContext) -> StepOutcome[SwitchOutput]:
        """Take the first case that is the value."""
        found = context.evaluate(config.value)
        for case in config.cases:
            if _is_same(case.value, found):
                return _taken(case.next, str(case.value))
        return _taken(config.default, "otherwise")


def _taken(target: str, because: str) -> StepOutcome[SwitchOutput]:
    return StepOutcome(SwitchOutput(taken=target, because=because[:200]), next=target)


def _is_same(wanted: bool | float | str, found: Any) -> bool:
    """Compare as CEL does: 1 is 1.0, but true is not 1."""
    return wanted == found and isinstance(wanted, bool) is isinstance(found, bool)
