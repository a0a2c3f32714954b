"""``branch``: go where the first case that holds points, or to the default."""

from typing import Annotated

from pydantic import Field

from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step
from workflows.spec.conditions import Condition
from workflows.spec.kinds import StepConfig, Target


class Case(StepConfig):
    """A condition and the step to go to when it holds."""

    when: Condition
    next: Target


class BranchConfig(StepConfig):
    """Cases in order; the default is mandatory, so that no value leaves the run without a way."""

    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    default: Target


class BranchOutput(StepOutput):
    """The way taken and the condition that chose it."""

    taken: str
    because: str


@step
class BranchStep(Step[BranchConfig, BranchOutput]):
    """Evaluate the cases in order."""

    name = "branch"
    config = BranchConfig
    output = BranchOutput
    jumps = True
    is_pure = True

    def run(self, config: BranchConfig, context: StepContext) -> StepOutcome[BranchOutput]:
        """Take the first case that holds."""
        for case in config.cases:
            if context.holds(case.when):
                output = BranchOutput(taken=case.next, because=case.when.source)
                return StepOutcome(output, next=case.next)
        output = BranchOutput(taken=config.default, because="otherwise")
        return StepOutcome(output, next=config.default)
