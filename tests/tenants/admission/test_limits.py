"""A workspace's limits: what a plan may say, and what holds where it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import directory, tenancy
from core.tenancy import TenantContext
from tenants import errors, selectors, services
from tenants.admission.current import limits_current, period_of, quota_current
from tenants.admission.limits import Limits, limits_read
from tests.conftest import Plan


def test_limits_say_what_the_plan_says_and_defaults_for_the_rest() -> None:
    limits = limits_read({"messages": 500, "unicorns": 3})
    assert limits == Limits(messages=500)
    assert limits.runs is None
    assert limits.spend_micro == 20_000_000


def test_rate_is_scaled_and_never_nothing() -> None:
    assert limits_read({"rate_percent": 250}).rate(1_200) == 3_000
    assert limits_read({"rate_percent": 0}).rate(1_200) == 1


def test_limits_set_hold_at_once_for_their_tenant_alone(
    acme: TenantContext, globex: TenantContext, plan: Plan
) -> None:
    with tenancy.tenant_scope(acme):
        assert quota_current("runs") is None
        plan("acme", runs=7)
        quota = quota_current("runs")
        assert quota is not None
        assert quota.limit == 7
    with tenancy.tenant_scope(globex):
        assert quota_current("runs") is None


@pytest.mark.parametrize("limits", [{"unicorns": 1}, {"runs": -1}, {"runs": True}, {"runs": None}])
def test_limits_that_are_none_are_refused(
    in_acme: TenantContext, plan: Plan, limits: dict[str, object]
) -> None:
    before = selectors.tenant_current().limits
    with pytest.raises(errors.LimitsInvalid):
        services.tenant_limits_set(tenant_id=in_acme.id, limits=limits)  # type: ignore[arg-type]
    assert selectors.tenant_current().limits == before


def test_limits_of_another_tenant_cannot_be_set(
    acme: TenantContext, globex: TenantContext, plan: Plan
) -> None:
    with tenancy.tenant_scope(acme):
        services.tenant_limits_set(tenant_id=globex.id, limits={"runs": 0})
    with tenancy.tenant_scope(globex):
        assert limits_current().runs is None


def test_limits_of_a_tenant_found_by_host_cost_no_query(acme: TenantContext) -> None:
    directory.tenant_by_host("acme.localhost")
    with tenancy.tenant_scope(acme), CaptureQueriesContext(connection) as queries:
        limits_current()
    assert len(queries) == 0


def test_months_and_days_begin_at_midnight_utc() -> None:
    moment = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    assert period_of("runs", moment) == (datetime(2026, 12, 1, tzinfo=UTC), new_year)
    day = datetime(2026, 12, 31, tzinfo=UTC)
    assert period_of("spend_micro_per_day", moment) == (day, new_year)
