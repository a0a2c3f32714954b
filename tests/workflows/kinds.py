"""Step types for the tests of the language, so that they depend on no business app."""

from typing import Annotated

from pydantic import Field

from workflows.spec.conditions import Condition
from workflows.spec.kinds import Bodies, Body, FreeConfig, StepConfig, StepKind, Target
from workflows.spec.values import Expression


class NoConfig(StepConfig):
    """Nothing to say."""


class SearchConfig(StepConfig):
    limit: Annotated[int, Field(ge=1, le=20)] = 8
    mode: str = "fast"


class Case(StepConfig):
    when: Condition
    next: Target


class BranchConfig(StepConfig):
    cases: Annotated[list[Case], Field(min_length=1)]
    default: Target


class LlmConfig(StepConfig):
    model: str = ""


class LoopConfig(StepConfig):
    steps: Body
    until: Condition
    max: Annotated[int, Field(ge=1, le=100)]


class EachConfig(StepConfig):
    list_: Annotated[Expression, Field(alias="in")]
    name: Annotated[str, Field(alias="as")]
    steps: Body
    max: Annotated[int, Field(ge=1, le=100)]


class ParallelConfig(StepConfig):
    branches: Bodies


class SetConfig(FreeConfig):
    pass


def names_set(config: SetConfig) -> frozenset[str]:
    return frozenset(config.__pydantic_extra__)


def names_of_each(config: EachConfig) -> frozenset[str]:
    return frozenset({config.name, "index"})


KINDS = {
    kind.name: kind
    for kind in (
        StepKind("router", NoConfig, frozenset({"intent", "confidence"})),
        StepKind("knowledge", SearchConfig, frozenset({"support"})),
        StepKind("reply", NoConfig),
        StepKind("branch", BranchConfig, jumps=True),
        StepKind("escalation", NoConfig, ends=True),
        StepKind("llm", LlmConfig, frozenset({"abstained"})),
        StepKind("tool", FreeConfig, has_side_effects=True),
        StepKind("set", SetConfig, exports_of=names_set),
        StepKind("ask", NoConfig, waits=True),
        StepKind("loop", LoopConfig, locals_of=lambda _config: frozenset({"index"})),
        StepKind("foreach", EachConfig, locals_of=names_of_each),
        StepKind("parallel", ParallelConfig),
    )
}
