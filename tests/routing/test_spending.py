"""Money for remote models: held, settled, given back; and never spent where nobody can count."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from routing import services
from routing.errors import ProviderUnavailable, SpendRefused
from routing.pricing import ModelPrice
from routing.providers import registry
from routing.spending import _estimate, provider_complete
from routing.types import Completion, CompletionRequest, Evidence, EvidenceSentence, Tier
from tenants.admission.current import quota_current
from tenants.admission.quota import quota_held
from tests.conftest import Plan

SENTENCE = "You have 30 days to return a jacket."
EVIDENCE = [Evidence(1, "Returns", SENTENCE, (EvidenceSentence(SENTENCE, 0.7, 0, len(SENTENCE)),))]
COST = 1_000


class PaidProvider:
    """A provider in this process that has a price; it counts what it was asked."""

    name = "paid"
    model = "none"
    price = ModelPrice("USD", 1_000, 1_000, latency_ms=1, latency_ms_per_1k_output=1)

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    def complete(self, request: CompletionRequest, *, deadline: float | None) -> Completion:
        self.calls += 1
        if self.fails:
            raise ProviderUnavailable
        return Completion(
            text="Paid.", tokens_in=10, tokens_out=2, cost_micro=COST, provider=self.name
        )


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> PaidProvider:
    provider = PaidProvider()
    monkeypatch.setitem(registry.PROVIDERS, "paid", lambda: provider)
    registry.provider_get.cache_clear()
    return provider


@pytest.fixture
def complete(paid: PaidProvider, in_acme: TenantContext) -> Callable[..., Completion]:
    services.policy_update(providers={Tier.LLM: "paid"})

    def call(reference: str = "") -> Completion:
        return services.completion_generate(
            tier=Tier.LLM, question="How long?", evidence=EVIDENCE, reference=reference
        )

    return call


def money() -> Any:
    quota = quota_current("spend_micro")
    assert quota is not None
    return quota


def used() -> int:
    return int(redis_client().hget(money().keys[0], "used") or 0)


def test_call_is_settled_with_its_real_cost(complete: Callable[..., Completion]) -> None:
    before = used()
    assert complete().provider == "paid"
    assert used() == before + COST
    assert quota_held(quota=money()) == 0


def test_step_repeated_after_a_crash_is_counted_once(complete: Callable[..., Completion]) -> None:
    before, reference = used(), f"{uuid4()}:answer"
    complete(reference)
    complete(reference)
    assert used() == before + COST


def test_call_that_fails_costs_nothing(
    complete: Callable[..., Completion], paid: PaidProvider
) -> None:
    before, paid.fails = used(), True
    assert complete().provider == "local"
    assert (used(), quota_held(quota=money())) == (before, 0)


def test_beyond_the_quota_the_local_provider_answers(
    complete: Callable[..., Completion], paid: PaidProvider, plan: Plan, globex: TenantContext
) -> None:
    plan(spend_micro=0)
    completion = complete()
    assert (completion.provider, completion.abstained, paid.calls) == ("local", False, 0)
    with tenancy.tenant_scope(globex):
        services.policy_update(providers={Tier.LLM: "paid"})
        assert complete().provider == "paid"


def test_day_has_a_quota_of_its_own(complete: Callable[..., Completion], plan: Plan) -> None:
    plan(spend_micro=10_000_000, spend_micro_per_day=0)
    assert complete().provider == "local"
    assert quota_held(quota=money()) == 0


def test_parallel_calls_hold_no_more_than_the_quota(
    paid: PaidProvider, in_acme: TenantContext, plan: Plan
) -> None:
    """What a call holds is its estimate: of 64 at once exactly as many go on as fit."""
    request = CompletionRequest(question="How long?", evidence=tuple(EVIDENCE))
    estimate = _estimate(paid, request)["spend_micro"]
    plan(spend_micro=10 * estimate + estimate // 2)
    assert money().limit > 10 * estimate  # remembered: other threads do not see this transaction
    refused: list[int] = []

    class Slow(PaidProvider):
        """Answers only when everybody else has been refused."""

        def complete(self, request: CompletionRequest, *, deadline: float | None) -> Completion:
            until = time.monotonic() + 10
            while len(refused) < 54 and time.monotonic() < until:
                time.sleep(0.01)
            return super().complete(request, deadline=deadline)

    def call(number: int) -> bool:
        try:
            provider_complete(slow, request, deadline=None, reference=uuid4().hex)
        except SpendRefused:
            refused.append(number)
            return False
        return True

    slow = Slow()
    contexts = [copy_context() for _ in range(64)]
    with ThreadPoolExecutor(64) as pool:
        passed = sum(pool.map(lambda context: context.run(call, 0), contexts))
    assert passed == slow.calls == 10
    assert quota_held(quota=money()) == 0


def test_without_redis_nothing_is_spent(
    complete: Callable[..., Completion], paid: PaidProvider, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    try:
        assert complete().provider == "local"
    finally:
        redis_client.cache_clear()
    assert paid.calls == 0


@pytest.mark.parametrize(
    ("money", "tokens", "found"),
    [
        (None, None, Tier.LLM),
        (100_000, 1_000, Tier.LLM),
        (100, None, Tier.SLM_B),
        (0, None, Tier.SLM_B),
        (None, 1, None),
    ],
)
def test_tier_gives_way_to_what_is_left(
    complete: Callable[..., Completion], money: int | None, tokens: int | None, found: Tier | None
) -> None:
    tier = services.tier_affordable(
        tier=Tier.LLM, question="How long?", evidence=EVIDENCE, cost_micro=money, tokens=tokens
    )
    assert tier == found
