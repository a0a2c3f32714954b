"""``wait``: go on after a while."""

from typing import Annotated

from pydantic import Field

from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, Waits, step
from workflows.spec.kinds import StepConfig
from workflows.spec.units import Duration


class WaitConfig(StepConfig):
    """How long."""

    seconds: Annotated[Duration, Field(alias="for")]


class WaitOutput(StepOutput):
    """How long it was to be."""

    seconds: float


@step
class WaitStep(Step[WaitConfig, WaitOutput]):
    """Give the run back until the time has come: no worker sleeps, and a restart loses nothing."""

    name = "wait"
    config = WaitConfig
    output = WaitOutput
    waits = True

    def run(self, config: WaitConfig, context: StepContext) -> StepOutcome[WaitOutput] | Waits:
        """Wait, and then say so."""
        if context.answer is None:
            return Waits("timer", config.seconds)
        return StepOutcome(WaitOutput(seconds=config.seconds))
