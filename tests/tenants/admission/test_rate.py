"""Token buckets on a real Redis: exact, atomic together, apart per workspace."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch
from uuid import uuid4

from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.admission.rate import Bucket, take


def bucket(name: str = "write", burst: int = 10, seconds: int = 3600) -> Bucket:
    return Bucket(tenancy.tenant_key("rate", "test", uuid4().hex), name, burst, seconds)


def test_take_lets_exactly_the_limit_of_parallel_calls_through(in_acme: TenantContext) -> None:
    shared = bucket()
    with ThreadPoolExecutor(64) as pool:
        verdicts = list(pool.map(lambda _: take(buckets=[shared]), range(64)))
    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert all(0 < v.retry_after <= 360 for v in verdicts if not v.allowed)


def test_take_refused_by_one_bucket_takes_from_none(in_acme: TenantContext) -> None:
    empty, full = bucket(burst=1), bucket("tenant", burst=5)
    take(buckets=[empty])
    refusal = take(buckets=[empty, full])
    assert (refusal.allowed, refusal.bucket) == (False, empty)
    assert take(buckets=[full]).remaining == 4


def test_take_in_one_workspace_does_not_move_another(
    acme: TenantContext, globex: TenantContext
) -> None:
    subject = uuid4().hex

    def attempt(tenant: TenantContext) -> bool:
        with tenancy.tenant_scope(tenant):
            return take(buckets=[Bucket(tenancy.tenant_key("rate", subject), "w", 2, 3600)]).allowed

    assert [attempt(acme) for _ in range(3)] == [True, True, False]
    assert [attempt(globex) for _ in range(3)] == [True, True, False]


def test_take_refills_and_lets_its_key_expire(in_acme: TenantContext) -> None:
    quick = bucket(burst=2, seconds=1)
    assert [take(buckets=[quick]).allowed for _ in range(3)] == [True, True, False]
    assert 0 < redis_client().pttl(quick.key) <= 2100
    time.sleep(0.6)
    assert take(buckets=[quick]).allowed


def test_take_does_not_ask_the_clients_clock(in_acme: TenantContext) -> None:
    shared = bucket(burst=1)
    take(buckets=[shared])
    with patch("time.time", return_value=time.time() + 86_400):
        assert not take(buckets=[shared]).allowed
