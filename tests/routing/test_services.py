"""Deciding and completing: rows, events, fallbacks, and no other tenant's rows."""

from __future__ import annotations

import time
import uuid

import pytest
from django.db import DatabaseError, transaction

from core import tenancy
from core.events.models import OutboxEvent
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope, seconds_left
from core.resilience.errors import Cancelled, DeadlineExceeded
from core.tenancy import TenantContext
from routing import selectors, services
from routing.errors import ProviderUnavailable, ProviderUnknown
from routing.models import RoutingDecision, RoutingPolicy
from routing.pricing import ModelPrice
from routing.providers import registry
from routing.providers.local import LocalProvider
from routing.types import (
    Completion,
    CompletionRequest,
    Evidence,
    EvidenceSentence,
    Tier,
    TierPreference,
)

SENTENCE = "You have 30 days to return a jacket."
EVIDENCE = [Evidence(1, "Returns", SENTENCE, (EvidenceSentence(SENTENCE, 0.7, 0, len(SENTENCE)),))]


class FailingProvider:
    """A provider that never answers."""

    name = "failing"
    model = "none"
    price = ModelPrice("USD", 1, 1, latency_ms=1, latency_ms_per_1k_output=1)

    def complete(self, request: CompletionRequest, *, deadline: float | None) -> Completion:
        raise ProviderUnavailable


@pytest.fixture
def failing_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.PROVIDERS, "failing", FailingProvider)


def test_decide_stores_a_row_and_publishes(in_acme: TenantContext) -> None:
    run_id = uuid.uuid4()
    decision = services.route_decide(text="I want to speak to a person", run_id=run_id)
    row = RoutingDecision.objects.get(pk=decision.decision_id)
    assert (row.tier, row.intent, row.run_id) == ("SLM_A", "human_request", run_id)
    assert row.features["human_request"] == 1.0
    assert row.decided_in_ms > 0
    event = OutboxEvent.objects.get(tenant_id=in_acme.id, name="router.decided")
    assert event.payload["decision_id"] == str(decision.decision_id)
    assert event.payload["intent"] == "human_request"


def test_decide_stores_no_message_text(in_acme: TenantContext) -> None:
    decision = services.route_decide(text="My name is Rumpelstiltskin, where is my order 4711?")
    row = RoutingDecision.objects.filter(pk=decision.decision_id).values().get()
    assert "Rumpelstiltskin" not in str(row)


def test_decide_estimates_cost_and_latency_from_the_price_table(
    in_acme: TenantContext, failing_provider: None
) -> None:
    free = services.route_decide(text="Hello")
    assert free.cost_estimate == 0
    services.policy_update(providers={Tier.SLM_A: "failing"})
    paid = services.route_decide(text="Hello")
    assert paid.cost_estimate > 0
    assert paid.latency_estimate_ms >= 1


def test_decide_counts_every_decision_by_itself(in_acme: TenantContext) -> None:
    services.route_decide(text="Hello")
    services.route_decide(text="Hello")
    assert selectors.decision_summary(selectors.decision_list()).decisions == 2


def test_decide_follows_the_preference(in_acme: TenantContext) -> None:
    text = "Which tent would you recommend and why, and does it depend on the season?"
    fast = services.route_decide(text=text, preference=TierPreference.FAST)
    accurate = services.route_decide(text=text, preference=TierPreference.ACCURATE)
    assert list(Tier).index(fast.tier) < list(Tier).index(accurate.tier)


def test_decision_is_not_seen_by_another_tenant(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        decision = services.route_decide(text="Hello")
    with tenancy.tenant_scope(globex):
        assert selectors.decision_get(decision_id=decision.decision_id) is None
        assert not selectors.decision_list().exists()


def test_completion_answers_with_a_citation(in_acme: TenantContext) -> None:
    completion = services.completion_generate(
        tier=Tier.SLM_A, question="How long?", evidence=EVIDENCE
    )
    assert completion.text == f"{SENTENCE} [1]"
    assert completion.provider == "local"


def test_completion_threshold_is_the_tenants_own(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        services.policy_update(support_threshold=0.9)
        assert services.completion_generate(
            tier=Tier.SLM_A, question="How long?", evidence=EVIDENCE
        ).abstained
    with tenancy.tenant_scope(globex):
        assert not services.completion_generate(
            tier=Tier.SLM_A, question="How long?", evidence=EVIDENCE
        ).abstained


def test_completion_falls_back_to_the_local_provider(
    in_acme: TenantContext, failing_provider: None
) -> None:
    services.policy_update(providers={Tier.LLM: "failing"})
    completion = services.completion_generate(
        tier=Tier.LLM, question="How long?", evidence=EVIDENCE
    )
    assert completion.provider == "local"
    assert not completion.abstained


def test_completion_refuses_a_deadline_in_the_past(in_acme: TenantContext) -> None:
    with pytest.raises(DeadlineExceeded):
        services.completion_generate(
            tier=Tier.SLM_A, question="How long?", evidence=EVIDENCE, deadline=0.0
        )


def test_completion_is_not_begun_when_nobody_waits_for_it(in_acme: TenantContext) -> None:
    token = CancelToken()
    token.cancel()
    with cancel_scope(token), pytest.raises(Cancelled):
        services.completion_generate(tier=Tier.SLM_A, question="How long?", evidence=EVIDENCE)


def test_provider_is_given_the_time_that_its_caller_has_left(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float | None] = []

    class Noting(LocalProvider):
        name = "noting"

        def complete(
            self, request: CompletionRequest, *, deadline: float | None = None
        ) -> Completion:
            given.append(seconds_left())
            return super().complete(request, deadline=deadline)

    monkeypatch.setitem(registry.PROVIDERS, "noting", Noting)
    services.policy_update(providers={Tier.LLM: "noting"})
    for seconds, its_own in ((60.0, 5.0), (5.0, 60.0)):
        with deadline_scope(seconds):
            services.completion_generate(
                tier=Tier.LLM,
                question="How long?",
                evidence=EVIDENCE,
                deadline=time.monotonic() + its_own,
            )
    assert all(left is not None and 4 < left <= 5 for left in given)
    assert len(given) == 2


def test_policy_refuses_an_unknown_provider(in_acme: TenantContext) -> None:
    with pytest.raises(ProviderUnknown):
        services.policy_update(providers={Tier.LLM: "nobody"})
    assert selectors.policy_get().llm_provider == "local"


def test_policy_has_one_row_only(in_acme: TenantContext) -> None:
    services.policy_update()
    services.policy_update(support_threshold=0.4)
    assert RoutingPolicy.objects.count() == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        RoutingPolicy.objects.create(pk=2)
