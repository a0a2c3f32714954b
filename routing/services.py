"""Writes of routing: deciding a request's tier and completing it through the tier's provider."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from core.audit.record import act_record
from core.audit.types import Act
from core.events import catalogue, publish
from core.observability.metrics import (
    cost_usd_total,
    router_decision_latency_ms,
    router_decisions_total,
    tenant_label,
    tokens_total,
)
from core.resilience.deadline import deadline_until
from core.resilience.interruption import interruption_check
from routing import features, selectors
from routing.classifier import classify
from routing.complexity import TierChoice, tier_choose
from routing.errors import ProviderUnavailable, ProviderUnknown
from routing.models import RoutingDecision, RoutingPolicy
from routing.pricing import cost_estimate, latency_estimate_ms
from routing.providers.base import Provider
from routing.providers.registry import DEFAULT_PROVIDER, PROVIDERS, provider_get
from routing.spending import fits, provider_complete
from routing.types import (
    Completion,
    CompletionRequest,
    Evidence,
    IntentPrediction,
    RouteDecision,
    Tier,
    TierPreference,
)

# The least probability, by the knowledge app's calibrated score, at which a sentence is given as an
# answer: at 0.5 a wrong answer and a needless "I don't know" weigh the same.
SUPPORT_THRESHOLD = 0.5
EXPECTED_OUTPUT_TOKENS = 60  # about three sentences
PROMPT_TOKENS = 900  # eight passages and the system prompt
log = structlog.get_logger(__name__)


def route_decide(
    *,
    text: str,
    channel: str = "web",
    history_length: int = 0,
    run_id: UUID | None = None,
    preference: TierPreference = TierPreference.BALANCED,
    schema_strict: bool = False,
) -> RouteDecision:
    """Decide intent and tier of a request and record why.

    Each call is a decision of its own and stores one row. Makes one embedding call, before its
    transaction. Publishes RouteDecided.
    """
    began = time.perf_counter()
    values = features.extract(text, history_length=history_length, schema_strict=schema_strict)
    prediction = classify(text, values)
    choice = tier_choose(values, prediction, preference)
    provider = _provider(selectors.policy_get(), choice.tier)
    decision = _decision(values, prediction, choice, provider)
    decision.channel, decision.run_id = channel, run_id
    decision.decided_in_ms = (time.perf_counter() - began) * 1000
    _decision_store(decision)
    router_decision_latency_ms.observe(decision.decided_in_ms)
    router_decisions_total.labels(tier=decision.tier, intent=decision.intent).inc()
    return _as_value(decision)


def completion_generate(
    *,
    tier: Tier,
    question: str,
    evidence: Sequence[Evidence],
    system_prompt: str = "",
    deadline: float | None = None,
    reference: str = "",
) -> Completion:
    """Answer a question from evidence through the tier's provider, or abstain.

    `deadline` is a point of `time.monotonic()`. Writes nothing, so it is safe to repeat; the caller
    records the usage. Falls back to the local provider when the tier's own does not answer, or may
    not be paid for any more; `reference` names the work, so that it is paid for once. Raises
    DeadlineExceeded, and Cancelled when the caller's token is cancelled.
    """
    policy = selectors.policy_get()
    threshold = policy.support_threshold
    request = CompletionRequest(
        question=question,
        evidence=tuple(evidence),
        system_prompt=system_prompt,
        support_threshold=SUPPORT_THRESHOLD if threshold is None else threshold,
    )
    with deadline_until(deadline):
        interruption_check()
        completion = _completed(_provider(policy, tier), request, deadline, reference)
    _completion_count(tier, completion)
    return completion


def tier_affordable(
    *,
    tier: Tier,
    question: str,
    evidence: Sequence[Evidence],
    system_prompt: str = "",
    cost_micro: int | None = None,
    tokens: int | None = None,
) -> Tier | None:
    """Return the tier, or the strongest below it whose answer fits into what is left to spend.

    Estimated before the call: all that is read, and an answer at its longest. `cost_micro` counts
    millionths of the currency; None where there is no bound. None when not even the least fits.
    """
    policy = selectors.policy_get()
    request = CompletionRequest(
        question=question, evidence=tuple(evidence), system_prompt=system_prompt
    )
    below = list(Tier)[: list(Tier).index(tier) + 1]
    for candidate in reversed(below):
        if fits(_provider(policy, candidate), request, money=cost_micro, tokens=tokens):
            return candidate
    return None


def _completed(
    provider: Provider, request: CompletionRequest, deadline: float | None, reference: str
) -> Completion:
    """Complete through the provider, or through the local one when it does not answer."""
    try:
        return provider_complete(
            provider, request, deadline=deadline, reference=reference or uuid4().hex
        )
    except ProviderUnavailable as error:
        log.warning("provider_fallback", provider=provider.name, code=error.code)
        return provider_get(DEFAULT_PROVIDER).complete(request, deadline=deadline)


def _completion_count(tier: Tier, completion: Completion) -> None:
    """Count tokens, and money where the price is in dollars."""
    tenant, counts = tenant_label(), {"in": completion.tokens_in, "out": completion.tokens_out}
    for direction, count in counts.items():
        tokens_total.labels(
            tenant=tenant, tier=tier.value, direction=direction, provider=completion.provider
        ).inc(count)
    if completion.currency == "USD":
        cost_usd_total.labels(tenant=tenant, tier=tier.value).inc(completion.cost_micro / 1e6)


@transaction.atomic
def policy_update(
    *, providers: dict[Tier, str] | None = None, support_threshold: float | None = None
) -> RoutingPolicy:
    """Store the workspace's providers per tier and its support threshold (None: the default).

    Idempotent. Raises ProviderUnknown for a provider that is not installed.
    """
    chosen = providers or {}
    for name in chosen.values():
        if name not in PROVIDERS:
            raise ProviderUnknown(f"There is no provider named {name!r}.", provider=name)
    columns = {f"{tier.lower()}_provider": name for tier, name in chosen.items()}
    policy, _ = RoutingPolicy.objects.update_or_create(
        pk=1, defaults={**columns, "support_threshold": support_threshold}
    )
    act_record(
        act=Act.ROUTING_CHANGED,
        data={**columns, "support_threshold": support_threshold},
    )
    return policy


def _provider(policy: RoutingPolicy, tier: Tier) -> Provider:
    return provider_get(selectors.provider_name_for(policy, tier))


def _decision(
    values: dict[str, float], prediction: IntentPrediction, choice: TierChoice, provider: Provider
) -> RoutingDecision:
    tokens_in = int(values["token_estimate"]) + PROMPT_TOKENS
    return RoutingDecision(
        tier=choice.tier,
        intent=prediction.intent,
        confidence=prediction.confidence,
        complexity=choice.score,
        reasoning=choice.reasoning,
        provider=provider.name,
        cost_estimate=cost_estimate(
            provider.price, tokens_in=tokens_in, tokens_out=EXPECTED_OUTPUT_TOKENS
        ),
        currency=provider.price.currency,
        latency_estimate_ms=latency_estimate_ms(provider.price, tokens_out=EXPECTED_OUTPUT_TOKENS),
        features={name: round(value, 4) for name, value in values.items()},
    )


def _decision_store(decision: RoutingDecision) -> None:
    with transaction.atomic():
        decision.save(force_insert=True)
        publish(
            catalogue.RouteDecided(
                decision_id=decision.pk,
                run_id=decision.run_id,
                tier=decision.tier,
                intent=decision.intent,
                confidence=decision.confidence,
            )
        )


def _as_value(decision: RoutingDecision) -> RouteDecision:
    return RouteDecision(
        decision_id=decision.pk,
        tier=Tier(decision.tier),
        intent=str(decision.intent),
        confidence=decision.confidence,
        reasoning=decision.reasoning,
        cost_estimate=decision.cost_estimate,
        latency_estimate_ms=decision.latency_estimate_ms,
        features=decision.features,
        currency=decision.currency,
    )
