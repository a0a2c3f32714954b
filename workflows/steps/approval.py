"""``approval``: ask the team for a decision, and go on when it is made or its time is over."""

from typing import Annotated, ClassVar

from pydantic import Field

from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, Waits, step
from workflows.spec.kinds import StepConfig
from workflows.spec.units import Duration
from workflows.spec.values import Value

DAY_SECONDS = 86_400.0
MAX_TEXT = 2_000


class ApprovalConfig(StepConfig):
    """What is to be decided, in words for the team, and how long it may take."""

    title: Value
    details: Value | None = None
    within: Annotated[Duration, Field(le=90 * DAY_SECONDS)] = DAY_SECONDS


class ApprovalOutput(StepOutput):
    """The decision; ``approval`` is approved, rejected or expired."""

    approved: bool
    approval: str
    comment: str


@step
class ApprovalStep(Step[ApprovalConfig, ApprovalOutput]):
    """Put a request before the team; conditions may use approved and approval.

    Nobody's silence is consent: a request that expires is not approved.
    """

    name = "approval"
    config = ApprovalConfig
    output = ApprovalOutput
    exports: ClassVar[tuple[str, ...]] = ("approved", "approval")
    waits = True

    def run(
        self, config: ApprovalConfig, context: StepContext
    ) -> StepOutcome[ApprovalOutput] | Waits:
        """Ask, or take the decision."""
        answer = context.answer
        if answer is None:
            return Waits("approval", config.within, data=_asked(config, context))
        if answer.outcome != "answered":
            return StepOutcome(ApprovalOutput(approved=False, approval="expired", comment=""))
        approved = bool(answer.value.get("approved"))
        return StepOutcome(
            ApprovalOutput(
                approved=approved,
                approval="approved" if approved else "rejected",
                comment=str(answer.value.get("comment", "")),
            )
        )


def _asked(config: ApprovalConfig, context: StepContext) -> dict[str, str]:
    details = context.render(config.details) if config.details else ""
    return {
        "title": str(context.render(config.title))[:200],
        "details": str(details)[:MAX_TEXT],
    }
