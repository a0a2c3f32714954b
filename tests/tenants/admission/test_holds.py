"""Several meters under one id: all or none, and nothing that leaks."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core import tenancy
from core.tenancy import TenantContext
from tenants.admission.current import METERED, quota_current
from tenants.admission.holds import amounts_release, amounts_reserve, amounts_settle
from tenants.admission.quota import quota_held
from tenants.errors import QuotaExceeded
from tests.conftest import Plan

BOTH = {"documents": 1, "storage_bytes": 100}


def held() -> dict[str, int]:
    found = {meter: quota_current(meter) for meter in METERED}
    return {meter: quota_held(quota=quota) for meter, quota in found.items() if quota}


def test_reserve_holds_all_or_nothing(in_acme: TenantContext, plan: Plan) -> None:
    plan(documents=10, storage_bytes=150)
    amounts_reserve(reservation_id=uuid4().hex, amounts=BOTH)
    with pytest.raises(QuotaExceeded) as refusal:
        amounts_reserve(reservation_id=uuid4().hex, amounts=BOTH)
    assert refusal.value.data["quota"] == "storage_bytes"
    assert refusal.value.data["limit"] == 150
    assert refusal.value.data["used"] == 100
    assert refusal.value.data["retry_after"] >= 1
    assert held() == {"documents": 1, "storage_bytes": 100, "spend_micro": 0}


def test_refused_work_may_come_again_and_is_counted_then(
    in_acme: TenantContext, plan: Plan
) -> None:
    plan(documents=10, storage_bytes=50)
    work = uuid4().hex
    with pytest.raises(QuotaExceeded):
        amounts_reserve(reservation_id=work, amounts=BOTH)
    plan(documents=10, storage_bytes=500)
    amounts_reserve(reservation_id=work, amounts=BOTH)
    assert held()["documents"] == 1
    amounts_settle(reservation_id=work, amounts={"documents": 1, "storage_bytes": 80})
    assert held()["documents"] == held()["storage_bytes"] == 0


def test_holds_are_their_tenants_own(
    acme: TenantContext, globex: TenantContext, plan: Plan
) -> None:
    plan("acme", documents=1)
    plan("globex", documents=1)
    work = uuid4().hex
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            amounts_reserve(reservation_id=work, amounts={"documents": 1})
    with tenancy.tenant_scope(globex):
        amounts_release(reservation_id=work, amounts={"documents": 1})
        assert held()["documents"] == 0
    with tenancy.tenant_scope(acme):
        assert held()["documents"] == 1


def test_meters_without_a_limit_hold_nothing(in_acme: TenantContext) -> None:
    amounts_reserve(reservation_id=uuid4().hex, amounts=BOTH)
    assert held() == {"spend_micro": 0}
