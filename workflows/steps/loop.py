"""``loop``: walk a body again and again, while or until a condition holds, with a bound."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from workflows.engine.step import Child, JsonOutput, Opens, Step, StepContext, StepOutcome, step
from workflows.spec.conditions import Condition
from workflows.spec.kinds import Body, StepConfig


class LoopConfig(StepConfig):
    """``while`` is asked before each round, ``until`` after it; ``max`` rounds at the most."""

    holds: Condition | None = Field(default=None, alias="while")
    until: Condition | None = None
    max: Annotated[int, Field(ge=1, le=1_000)]
    steps: Body

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if (self.holds is None) is (self.until is None):
            raise PydanticCustomError("loop", "Give 'while' or 'until', one of them.")
        return self


@step
class LoopStep(Step[LoopConfig, JsonOutput]):
    """Open one round after the other; what a round sets the next one knows, and what follows too.

    ``steps.<id>.rounds`` says how many there were, ``steps.<id>.is_exhausted`` whether ``max``
    ended them.
    """

    name = "loop"
    config = LoopConfig
    output = JsonOutput

    def run(self, config: LoopConfig, context: StepContext) -> StepOutcome[JsonOutput] | Opens:
        """Open the next round, or say how it ended."""
        rounds = len(context.finished)
        values = dict(context.finished[-1].values) if rounds else {}
        is_over = self._is_over(config, context, values, rounds)
        if not is_over and rounds < config.max:
            child = Child(str(rounds), context.entry(context.step_id), {**values, "index": rounds})
            return Opens([child])
        values.pop("index", None)
        output = JsonOutput(value={"rounds": rounds, "is_exhausted": not is_over})
        return StepOutcome(output, exports=values)

    def _is_over(
        self, config: LoopConfig, context: StepContext, values: dict[str, object], rounds: int
    ) -> bool:
        if config.until is not None:
            return rounds > 0 and context.holds(config.until, values)
        assert config.holds is not None
        return not context.holds(config.holds, values)

    @classmethod
    def locals_of(cls, config: StepConfig) -> frozenset[str]:
        """Return the names that its body knows besides."""
        return frozenset({"index"})
