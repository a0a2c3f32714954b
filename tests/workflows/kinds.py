"""Step types for the tests of the language, so that they depend on no business app."""

from typing import Annotated

from pydantic import Field

from workflows.spec.conditions import Condition
from workflows.spec.kinds import StepConfig, StepKind, Target


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


KINDS = {
    kind.name: kind
    for kind in (
        StepKind("router", NoConfig, frozenset({"intent", "confidence"})),
        StepKind("knowledge", SearchConfig, frozenset({"support"})),
        StepKind("reply", NoConfig),
        StepKind("branch", BranchConfig, jumps=True),
        StepKind("escalation", NoConfig, ends=True),
    )
}
