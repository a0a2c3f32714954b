"""``router``: find out what the visitor wants and how strong a model it takes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from routing.services import route_decide
from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step
from workflows.spec.kinds import StepConfig


class RouterConfig(StepConfig):
    """The tenant's routing policy decides; ``model`` and ``features`` say what the author expects.

    They are on record with the workflow and select nothing: one router serves a workspace.
    """

    model: Annotated[str, StringConstraints(max_length=100)] = ""
    features: Annotated[
        list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=50)
    ] = []


class RouterOutput(StepOutput):
    """The decision, as routing recorded it; ``cost_estimate`` in major units, written exactly."""

    decision_id: UUID
    tier: str
    intent: str
    confidence: float
    reasoning: str
    cost_estimate: str
    latency_estimate_ms: int
    features: dict[str, float]


@step
class RouterStep(Step[RouterConfig, RouterOutput]):
    """Ask routing for a decision; conditions may use intent, confidence and tier."""

    name = "router"
    config = RouterConfig
    output = RouterOutput
    exports: ClassVar[tuple[str, ...]] = ("intent", "confidence", "tier")

    def run(self, config: RouterConfig, context: StepContext) -> StepOutcome[RouterOutput]:
        """Route the text the run has to answer."""
        decision = route_decide(
            text=str(context.input.get("text", "")),
            channel=str(context.input.get("channel", "web")),
            history_length=len(context.turn.get("history", ())),
            run_id=context.run_id,
        )
        output = RouterOutput(
            decision_id=decision.decision_id,
            tier=str(decision.tier),
            intent=str(decision.intent),
            confidence=decision.confidence,
            reasoning=decision.reasoning,
            cost_estimate=str(decision.cost_estimate),
            latency_estimate_ms=decision.latency_estimate_ms,
            features=dict(decision.features),
        )
        return StepOutcome(output)

    def reads(self, config: RouterConfig, context: StepContext) -> Mapping[str, Any]:
        """Return the text, its channel, and how much was said before."""
        return {
            "text": str(context.input.get("text", "")),
            "channel": str(context.input.get("channel", "web")),
            "history_length": len(context.turn.get("history", ())),
        }
