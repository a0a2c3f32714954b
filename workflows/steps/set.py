"""``set``: give names to values, for the steps that follow."""

from workflows.engine.step import JsonOutput, Step, StepContext, StepOutcome, step
from workflows.spec.kinds import FreeConfig, StepConfig


class SetConfig(FreeConfig):
    """Names and what they stand for: any JSON, with ``${…}`` filled in."""


@step
class SetStep(Step[SetConfig, JsonOutput]):
    """Fill in every value; conditions and later values may use the names."""

    name = "set"
    config = SetConfig
    output = JsonOutput
    is_pure = True

    def run(self, config: SetConfig, context: StepContext) -> StepOutcome[JsonOutput]:
        """Work out the values from what is known before this step."""
        values = context.render_all(config)
        return StepOutcome(JsonOutput(value=values), exports=values)

    @classmethod
    def exports_of(cls, config: StepConfig) -> frozenset[str]:
        """Return the names it gives."""
        return frozenset(config.model_extra or ())
