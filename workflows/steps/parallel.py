"""``parallel``: walk several bodies side by side, and go on when all of them are through."""

from workflows.engine.step import Child, JsonOutput, Opens, Step, StepContext, StepOutcome, step
from workflows.spec.kinds import Bodies, StepConfig


class ParallelConfig(StepConfig):
    """Named branches, each a list of steps."""

    branches: Bodies


@step
class ParallelStep(Step[ParallelConfig, JsonOutput]):
    """Open all branches at once; what they set is known afterwards.

    Where two set the same name, the branch that is written later wins. ``steps.<id>.<branch>`` is
    what each one has set.
    """

    name = "parallel"
    config = ParallelConfig
    output = JsonOutput

    def run(self, config: ParallelConfig, context: StepContext) -> StepOutcome[JsonOutput] | Opens:
        """Open the branches, or gather what they have come to."""
        if not context.finished:
            return Opens(
                [
                    Child(name, context.entry(f"{context.step_id}.{name}"))
                    for name in config.branches
                ]
            )
        by_branch = {done.key: dict(done.values) for done in context.finished}
        ordered = {name: by_branch[name] for name in config.branches}
        exports = {key: value for values in ordered.values() for key, value in values.items()}
        return StepOutcome(JsonOutput(value=ordered), exports=exports)
