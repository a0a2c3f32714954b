"""Quota reservations on a real Redis: exact, idempotent, reclaimed, seeded from the ledger."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import UsageEntry
from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.admission import quota as quotas
from tenants.admission.quota import Quota, quota_held, quota_release, quota_reserve, quota_settle
from tenants.errors import QuotaExceeded

STARTS_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def quota(in_acme: TenantContext) -> Quota:
    return fresh(limit=10)


def fresh(limit: int, meter: str = "") -> Quota:
    name = meter or f"test-{uuid4().hex}"
    return Quota(name, limit, STARTS_AT, STARTS_AT + timedelta(days=31))


def reserved(quota: Quota, reservation_id: str = "", **options: int) -> bool:
    try:
        quota_reserve(quota=quota, reservation_id=reservation_id or uuid4().hex, **options)
    except QuotaExceeded:
        return False
    return True


def test_reserve_lets_exactly_the_limit_of_concurrent_calls_through(in_acme: TenantContext) -> None:
    shared = fresh(limit=100)
    reserved(shared, "seeds", amount=0)
    contexts = [copy_context() for _ in range(200)]
    with ThreadPoolExecutor(64) as pool:
        results = list(pool.map(lambda context: context.run(reserved, shared), contexts))
    assert sum(results) == 100


def test_reserve_beyond_the_limit_says_which_and_until_when(quota: Quota) -> None:
    with pytest.raises(QuotaExceeded) as refusal:
        quota_reserve(quota=quota, reservation_id="a", amount=11)
    assert refusal.value.problem()["status"] == 429
    assert refusal.value.data["quota"] == quota.meter
    assert refusal.value.data["resets_at"] == "2026-02-01T00:00:00+00:00"


def test_reserve_settle_and_release_are_idempotent(quota: Quota) -> None:
    assert reserved(quota, "a", amount=6)
    assert reserved(quota, "a", amount=6)
    assert quota_held(quota=quota) == 6
    for _ in range(2):
        quota_settle(quota=quota, reservation_id="a", amount=2)
    assert reserved(quota, "b", amount=8)
    for _ in range(2):
        quota_release(quota=quota, reservation_id="b")
    assert quota_held(quota=quota) == 0
    assert reserved(quota, "c", amount=8)
    assert not reserved(quota, "d")


def test_release_lets_the_same_work_begin_again(quota: Quota) -> None:
    reserved(quota, "a", amount=6)
    quota_release(quota=quota, reservation_id="a")
    assert reserved(quota, "a", amount=6)
    assert quota_held(quota=quota) == 6
    quota_settle(quota=quota, reservation_id="a", amount=6)
    quota_release(quota=quota, reservation_id="a")
    assert not reserved(quota, "b", amount=5)


def test_reconcile_raises_a_counter_to_the_ledger_and_never_lowers_it(
    quota: Quota, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "_readers", [lambda meter, since: 8])
    quotas.quota_reconcile(quota=quota)  # there is no counter yet: its seed will be the ledger's
    quota_reserve(quota=quota, reservation_id="a", amount=2)
    quota_settle(quota=quota, reservation_id="a", amount=1)
    monkeypatch.setattr(quotas, "_readers", [lambda meter, since: 10])
    quotas.quota_reconcile(quota=quota)
    assert not reserved(quota)
    monkeypatch.setattr(quotas, "_readers", [lambda meter, since: 0])
    quotas.quota_reconcile(quota=quota)
    assert not reserved(quota)


def test_settle_with_more_than_was_reserved_counts_all_of_it(quota: Quota) -> None:
    reserved(quota, "a", amount=1)
    quota_settle(quota=quota, reservation_id="a", amount=10)
    assert not reserved(quota)


def test_reservations_that_expire_are_reclaimed(quota: Quota) -> None:
    assert reserved(quota, amount=10, lease_seconds=1)
    assert not reserved(quota)
    time.sleep(1.1)
    assert reserved(quota, amount=10)
    assert quota_held(quota=quota) == 10


def test_reserve_in_one_workspace_does_not_move_another(
    acme: TenantContext, globex: TenantContext
) -> None:
    shared = fresh(limit=1)
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            assert reserved(shared)
            assert not reserved(shared)


def test_counter_that_redis_lost_is_seeded_from_the_tenants_ledger(
    acme: TenantContext, globex: TenantContext
) -> None:
    for tenant, quantity in ((acme, 3), (globex, 50)):
        with tenancy.tenant_scope(tenant):
            UsageEntry.objects.create(
                tenant_id=tenant.id,
                event_id=uuid4(),
                meter="runs",
                quantity=quantity,
                occurred_at=timezone.now(),
            )
    with tenancy.tenant_scope(acme):
        starts_at = timezone.now() - timedelta(minutes=1)
        used = quotas._used(Quota("runs", 0, starts_at, starts_at))
        lost = Quota("runs", used + 2, starts_at, starts_at + timedelta(days=1))
        redis_client().delete(*lost.keys)
        assert 3 <= used < 50
        assert [reserved(lost) for _ in range(3)] == [True, True, False]
        redis_client().delete(*lost.keys)
