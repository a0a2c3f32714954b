"""``llm``: write an answer from the passages found, or abstain."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from core.events.catalogue import CompletionGenerated
from routing.services import completion_generate, tier_affordable
from routing.types import Completion, Evidence, EvidenceSentence, Tier
from workflows.engine.step import (
    BudgetExceeded,
    Step,
    StepContext,
    StepOutcome,
    StepOutput,
    step,
)
from workflows.spec.kinds import StepConfig
from workflows.steps.evidence import passages_of


class LlmConfig(StepConfig):
    """Instructions for the model; ``tier`` overrides what the router decided.

    ``model``, ``temperature`` and ``max_tokens`` are for providers that take them.
    """

    system_prompt: Annotated[str, Field(max_length=4_000)] = ""
    tier: Literal["SLM_A", "SLM_B", "LLM"] | None = None
    max_passages: Annotated[int, Field(ge=1, le=20)] = 8
    model: Annotated[str, Field(max_length=100)] = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Cited(StepOutput):
    """A sentence the answer rests on: the passage's number (from 1) and the sentence's index."""

    evidence_number: int
    sentence_index: int


class LlmOutput(StepOutput):
    """The answer and what it took; ``answer_support`` is the probability that it is right."""

    text: str
    cited: list[Cited]
    answer_support: float
    abstained: bool
    tokens_in: int
    tokens_out: int
    cost_micro: int
    currency: str
    tier: str
    provider: str
    model: str
    latency_ms: float


@step
class LlmStep(Step[LlmConfig, LlmOutput]):
    """Complete with the routed tier; conditions may use abstained and answer_support."""

    name = "llm"
    config = LlmConfig
    output = LlmOutput
    exports: ClassVar[tuple[str, ...]] = ("abstained", "answer_support")
    timeout_seconds = 20.0

    def run(self, config: LlmConfig, context: StepContext) -> StepOutcome[LlmOutput]:
        """Ask the model; its use is published with the step's commit, so it is metered once."""
        asked: dict[str, Any] = {
            "question": str(context.input.get("text", "")),
            "evidence": _evidence(_passages(config, context)),
            "system_prompt": config.system_prompt,
        }
        tier = _tier_within_budget(_tier(config, context), context, asked)
        completion = completion_generate(
            tier=tier,
            **asked,
            deadline=context.deadline,
            reference=f"{context.run_id}:{context.step_id}",
        )
        return StepOutcome(
            _output(completion, tier),
            events=[_generated(completion, tier, context)],
            cost_micro=completion.cost_micro,
            currency=completion.currency,
            tokens=completion.tokens_in + completion.tokens_out,
        )

    def reads(self, config: LlmConfig, context: StepContext) -> Mapping[str, Any]:
        """Return the question, the passages it is to rest on, and the tier that answers."""
        return {
            "question": str(context.input.get("text", "")),
            "passages": _passages(config, context),
            "tier": str(_tier(config, context)),
        }


def _tier(config: LlmConfig, context: StepContext) -> Tier:
    route = context.latest("router") or {}
    return Tier(config.tier or route.get("tier", Tier.SLM_A))


def _tier_within_budget(tier: Tier, context: StepContext, asked: Mapping[str, Any]) -> Tier:
    """Return the tier, or a cheaper one that the run's and the step's budgets can still pay."""
    cost, tokens = context.left_to_spend
    if cost is None and tokens is None:
        return tier
    found = tier_affordable(tier=tier, **asked, cost_micro=cost, tokens=tokens)
    if found is None:
        raise BudgetExceeded("Not even the cheapest tier fits into what is left.")
    return found


def _passages(config: LlmConfig, context: StepContext) -> list[dict[str, Any]]:
    return passages_of(context)[: config.max_passages]


def _evidence(passages: list[dict[str, Any]]) -> list[Evidence]:
    return [
        Evidence(
            number=number,
            title=passage["title"],
            text=passage["text"],
            sentences=tuple(EvidenceSentence(**sentence) for sentence in passage["sentences"]),
        )
        for number, passage in enumerate(passages, start=1)
    ]


def _output(completion: Completion, tier: Tier) -> LlmOutput:
    return LlmOutput(
        text=completion.text,
        cited=[
            Cited(evidence_number=cited.evidence_number, sentence_index=cited.sentence_index)
            for cited in completion.cited
        ],
        answer_support=completion.support,
        abstained=completion.abstained,
        tokens_in=completion.tokens_in,
        tokens_out=completion.tokens_out,
        cost_micro=completion.cost_micro,
        currency=completion.currency,
        tier=str(tier),
        provider=completion.provider,
        model=completion.model,
        latency_ms=completion.latency_ms,
    )


def _generated(completion: Completion, tier: Tier, context: StepContext) -> CompletionGenerated:
    return CompletionGenerated(
        run_id=context.run_id,
        step_id=context.step_id,
        provider=completion.provider,
        model=completion.model,
        tier=str(tier),
        tokens_in=completion.tokens_in,
        tokens_out=completion.tokens_out,
        cost_micro=completion.cost_micro,
        currency=completion.currency,
    )
