"""``foreach``: walk a body once for each item of a list."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from workflows.engine.step import (
    Child,
    JsonOutput,
    Opens,
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    step,
)
from workflows.spec.kinds import Body, StepConfig
from workflows.spec.values import Expression


class ForeachConfig(StepConfig):
    """The list, the name of its items, how many it may have, how many are walked side by side."""

    items: Expression = Field(alias="in")
    name: Annotated[str, Field(alias="as", pattern=r"^[a-z][a-z0-9_]{0,63}$")] = "item"
    max: Annotated[int, Field(ge=1, le=1_000)]
    concurrency: Annotated[int, Field(ge=1, le=16)] = 1
    steps: Body


@step
class ForeachStep(Step[ForeachConfig, JsonOutput]):
    """Open a body per item; ``steps.<id>.results`` holds what each one has set, in order."""

    name = "foreach"
    config = ForeachConfig
    output = JsonOutput

    def run(self, config: ForeachConfig, context: StepContext) -> StepOutcome[JsonOutput] | Opens:
        """Open the next bodies, or gather what they have come to."""
        items = _items(config, context)
        done = len(context.finished)
        if done < len(items):
            entry = context.entry(context.step_id)
            return Opens(
                [
                    Child(str(index), entry, {config.name: items[index], "index": index})
                    for index in range(done, min(done + config.concurrency, len(items)))
                ]
            )
        local = {config.name, "index"}
        by_index = {int(each.key): each for each in context.finished}
        results = [
            {name: value for name, value in by_index[index].values.items() if name not in local}
            for index in range(len(items))
        ]
        return StepOutcome(JsonOutput(value={"results": results, "count": len(items)}))

    @classmethod
    def locals_of(cls, config: StepConfig) -> frozenset[str]:
        """Return the names that its body knows besides."""
        assert isinstance(config, ForeachConfig)
        return frozenset({config.name, "index"})


def _items(config: ForeachConfig, context: StepContext) -> Sequence[Any]:
    items = context.evaluate(config.items)
    if not isinstance(items, list):
        raise StepFailed("'in' must be a list.")
    if len(items) > config.max:
        raise StepFailed(f"{len(items)} items, but 'max' is {config.max}.")
    return items
