"""The isolation bench would notice: each operation tells its own tenant's data from another's."""

from __future__ import annotations

import pytest

from bench.support.marks import touch
from commerce.models import Product
from core.tenancy import TenantContext, tenant_scope
from tenants.services import api_key_create

READS = (0, 2)  # the turns that look at what is there already


@pytest.fixture(autouse=True)
def _marked(acme: TenantContext, globex: TenantContext) -> None:
    for tenant in (acme, globex):
        with tenant_scope(tenant):
            Product.objects.create(sku="1", name=tenant.slug, price_minor=1, currency="EUR")
            api_key_create(name=tenant.slug, scopes=["team:read"])


@pytest.mark.parametrize("turn", range(5))
def test_touch_finds_nothing_foreign_in_its_own_tenant(turn: int, in_acme: TenantContext) -> None:
    assert touch(mark="acme", turn=turn) == 0


@pytest.mark.parametrize("turn", READS)
def test_touch_counts_another_tenants_data(turn: int, globex: TenantContext) -> None:
    with tenant_scope(globex):
        assert touch(mark="acme", turn=turn) == 1


def test_touch_counts_a_write_that_reached_more_rows(in_acme: TenantContext) -> None:
    Product.objects.create(sku="2", name="acme", price_minor=1, currency="EUR")
    assert touch(mark="acme", turn=1) == 1
