"""The joined decision, and that everything a switch refuses reads it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from core import tenancy
from core.errors import RateLimited
from core.redis import redis_client
from core.tenancy import TenantContext
from routing.services import completion_generate, policy_update
from routing.types import Tier
from tenants.admission.admit import Work, admit
from tenants.admission.concurrency import Place
from tenants.admission.current import limits_current, quota_current
from tenants.admission.quota import quota_held
from tenants.errors import ConcurrencyLimit, QuotaExceeded, SwitchedOff
from tenants.switches.types import Switch
from tests.conftest import Plan, World
from tests.routing.test_spending import EVIDENCE, PaidProvider
from workflows import quotas

ApiKey = Callable[..., str]


@pytest.fixture(autouse=True)
def _full_buckets(world: World) -> None:
    for tenant in world.tenants.values():
        for key in redis_client().scan_iter(f"fd:{tenant.id.hex}:rate:*"):
            redis_client().delete(key)


def test_admission_says_what_the_rate_limit_says(
    in_acme: TenantContext, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": 1}
    subject = uuid4().hex
    first, second = admit(purpose="chat", subject=subject), admit(purpose="chat", subject=subject)
    assert (first.allowed, first.degraded, first.retry_after) == (True, False, 0)
    assert isinstance(second.refusal, RateLimited)
    assert second.retry_after == 60
    with pytest.raises(RateLimited):
        second.enforce()


def test_parallel_admissions_are_exactly_the_limit(
    in_acme: TenantContext, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": 10}
    limits_current()  # remembered: other threads do not see this transaction
    subject = uuid4().hex
    contexts = [copy_context() for _ in range(64)]

    def call(context: Any) -> bool:
        admission = context.run(admit, purpose="chat", subject=subject)
        return bool(admission.allowed)

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(call, contexts)) == 10


def test_plan_scales_the_rate_of_its_own_workspace(
    acme: TenantContext, globex: TenantContext, settings: Settings, plan: Plan
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": 4}
    plan("acme", rate_percent=50)
    allowed = []
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            subject = uuid4().hex
            calls = [admit(purpose="chat", subject=subject).allowed for _ in range(5)]
            allowed.append(sum(calls))
    assert allowed == [2, 4]


def test_work_takes_place_and_quota_together_or_neither(in_acme: TenantContext, plan: Plan) -> None:
    plan(documents=1)
    place = Place(f"test-{uuid4().hex}", 2)

    def work(amount: int = 1) -> Work:
        return Work(
            places=[place],
            holder=uuid4().hex,
            amounts={"documents": amount},
            reservation_id=uuid4().hex,
        )

    assert isinstance(admit(purpose="upload", work=work(2)).refusal, QuotaExceeded)
    assert redis_client().zcard(place.key) == 0
    assert admit(purpose="upload", work=work()).allowed
    full = Work(places=[Place(place.kind, 1)], holder="other", amounts={"documents": 1})
    assert isinstance(admit(purpose="upload", work=full).refusal, ConcurrencyLimit)
    quota = quota_current("documents")
    assert quota is not None
    assert quota_held(quota=quota) == 1


@pytest.fixture
def switched(switches: Any) -> Callable[..., None]:
    def on(name: Switch, tenant: TenantContext) -> None:
        switches.switch_turn_on(
            name=name, lasting=timedelta(minutes=1), reason="test", tenant_id=tenant.id
        )

    return on


def call(key: str, path: str, slug: str = "acme", body: Any = None) -> Any:
    client = Client(headers={"host": f"{slug}.localhost", "authorization": f"Bearer {key}"})
    if body is None:
        return client.get(path)
    return client.post(path, body, content_type="application/json")


def test_admission_names_the_switches_that_are_on(
    switched: Any, acme: TenantContext, globex: TenantContext
) -> None:
    switched(Switch.UPLOADS_OFF, acme)
    with tenancy.tenant_scope(acme):
        chat = admit(purpose="chat", subject=uuid4().hex)
        assert (chat.allowed, chat.degraded, chat.reasons) == (True, True, ("switch:uploads_off",))
        upload = admit(purpose="upload")
        assert isinstance(upload.refusal, SwitchedOff)
        assert upload.retry_after > 0
    with tenancy.tenant_scope(globex):
        assert admit(purpose="upload").allowed


def test_switched_off_uploads_and_reads_are_refused_to_one_workspace(
    switched: Any, api_key: ApiKey, acme: TenantContext, globex: TenantContext
) -> None:
    keys = {slug: api_key(slug, "knowledge:read", "knowledge:write") for slug in ("acme", "globex")}
    url = {"url": "http://127.0.0.1/returns.html"}
    switched(Switch.UPLOADS_OFF, acme)
    refusal = call(keys["acme"], "/api/v1/documents", body=url)
    assert (refusal.status_code, refusal.json()["code"]) == (503, "switched_off")
    assert refusal.json()["switch"] == "uploads_off"
    assert int(refusal["Retry-After"]) > 0
    assert call(keys["acme"], "/api/v1/documents").status_code == 200
    switched(Switch.API_READS_OFF, acme)
    assert call(keys["acme"], "/api/v1/documents").status_code == 503
    assert call(keys["globex"], "/api/v1/documents", "globex").status_code == 200


def test_switched_off_reports_are_refused_on_the_page_and_by_rest(
    switched: Any, api_key: ApiKey, sign_in: Any, acme: TenantContext, globex: TenantContext
) -> None:
    switched(Switch.ANALYTICS_OFF, acme)
    page = sign_in("acme", "owner").get("/analytics/")
    assert page.status_code == 503
    assert "switched off for the moment" in page.content.decode()
    assert call(api_key("acme", "analytics:read"), "/api/v1/analytics/daily").status_code == 503
    assert sign_in("globex", "owner").get("/analytics/").status_code == 200


def test_switched_off_remote_models_leave_the_local_one(
    switched: Any, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routing.providers import registry

    paid = PaidProvider()
    monkeypatch.setitem(registry.PROVIDERS, "paid", lambda: paid)
    registry.provider_get.cache_clear()
    switched(Switch.REMOTE_MODELS_OFF, acme)
    with tenancy.tenant_scope(acme):
        policy_update(providers={Tier.LLM: "paid"})
        found = completion_generate(tier=Tier.LLM, question="How long?", evidence=EVIDENCE)
    assert (found.provider, paid.calls) == ("local", 0)


def test_people_only_lets_no_run_begin(
    switched: Any, acme: TenantContext, globex: TenantContext
) -> None:
    switched(Switch.WIDGET_PEOPLE_ONLY, acme)
    with tenancy.tenant_scope(acme):
        assert quotas.message_admit(uuid4()) == "people_only"
        assert quotas.run_hold(uuid4()) == "people_only"
    with tenancy.tenant_scope(globex):
        assert quotas.message_admit(uuid4()) == quotas.run_hold(uuid4()) == ""
