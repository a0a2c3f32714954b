"""Products and orders: imported once, looked up by their owner only, of one tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.exceptions import ValidationError

from commerce import selectors, services
from commerce.errors import CurrencyMixed, ProductUnknown
from commerce.models import Order, OrderLine, Product
from commerce.money import money
from commerce.types import LineInput, OrderInput, OrderStatus, order_number_normalise
from config.env import BASE_DIR
from core import tenancy
from core.tenancy import TenantContext

PRODUCT: dict[str, Any] = {
    "sku": "AC-JK-101",
    "name": "Rain Jacket",
    "price_minor": 18900,
    "currency": "EUR",
    "category": "Jackets",
    "image": "jacket",
}


def order_of(number: str = "AC-1", *, sku: str = "AC-JK-101", quantity: int = 2) -> OrderInput:
    return OrderInput(
        number=number,
        customer="Maeve Larkin",
        email="Maeve.Larkin@example.com",
        status=OrderStatus.SHIPPED,
        placed_at=datetime(2026, 5, 18, 9, 42, tzinfo=UTC),
        lines=[LineInput(sku, quantity)],
    )


def test_product_is_created_then_changed(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    services.product_upsert(**{**PRODUCT, "price_minor": 17900})
    assert Product.objects.get().price_minor == 17900


@pytest.mark.parametrize(
    "fault", [{"currency": "euro"}, {"name": ""}, {"price_minor": -1}, {"image": "../etc"}]
)
def test_product_with_a_fault_is_refused(in_acme: TenantContext, fault: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        services.product_upsert(**{**PRODUCT, **fault})
    assert not Product.objects.exists()


def test_order_totals_its_lines(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    order = services.order_import(order=order_of())
    assert (order.total_minor, order.currency) == (37800, "EUR")
    assert order.lines.get().name == "Rain Jacket"


def test_order_is_imported_once(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    first = services.order_import(order=order_of())
    again = services.order_import(order=order_of(" #ac-1 ", quantity=3))
    assert (again.pk, again.total_minor) == (first.pk, 56700)
    assert OrderLine.objects.count() == 1


def test_order_keeps_the_price_of_its_time(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    order = services.order_import(order=order_of())
    services.product_upsert(**{**PRODUCT, "price_minor": 1})
    assert order.lines.get().price_minor == 18900


def test_order_of_an_unknown_product_is_refused(in_acme: TenantContext) -> None:
    with pytest.raises(ProductUnknown):
        services.order_import(order=order_of(sku="NONE"))
    assert not Order.objects.exists()


def test_order_of_two_currencies_is_refused(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    services.product_upsert(**{**PRODUCT, "sku": "US-1", "currency": "USD"})
    mixed = order_of()
    mixed = OrderInput(
        number=mixed.number,
        customer=mixed.customer,
        email=mixed.email,
        status=mixed.status,
        placed_at=mixed.placed_at,
        lines=[LineInput("AC-JK-101", 1), LineInput("US-1", 1)],
    )
    with pytest.raises(CurrencyMixed):
        services.order_import(order=mixed)


def test_order_with_no_quantity_is_refused(in_acme: TenantContext) -> None:
    services.product_upsert(**PRODUCT)
    with pytest.raises(ValidationError):
        services.order_import(order=order_of(quantity=0))
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("number", "email", "is_found"),
    [
        ("AC-1", "maeve.larkin@example.com", True),
        ("# ac-1 ", " MAEVE.LARKIN@EXAMPLE.COM ", True),
        ("AC-1", "someone.else@example.com", False),
        ("AC-1", "", False),
        ("AC-2", "maeve.larkin@example.com", False),
        ("", "maeve.larkin@example.com", False),
        ("AC-%", "maeve.larkin@example.com", False),
    ],
)
def test_lookup_needs_number_and_email(
    in_acme: TenantContext, number: str, email: str, is_found: bool
) -> None:
    services.product_upsert(**PRODUCT)
    services.order_import(order=order_of())
    found = selectors.order_for_lookup(number=number, email=email)
    assert (found is not None) is is_found


def test_lookup_does_not_see_another_tenants_order(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        services.product_upsert(**PRODUCT)
        services.order_import(order=order_of())
    with tenancy.tenant_scope(globex):
        assert selectors.order_for_lookup(number="AC-1", email="maeve.larkin@example.com") is None
        assert not selectors.product_list().exists()


def test_order_number_is_normalised() -> None:
    assert order_number_normalise(" #gx 20 881 ") == "GX20881"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (18900, "EUR", "€\u00a0189.00"),
        (1, "USD", "$\u00a00.01"),
        (123456789, "GBP", "£\u00a01,234,567.89"),
        (1200, "JPY", "JPY\u00a01,200"),
        (1200, "KWD", "KWD\u00a01.200"),
    ],
)
def test_money_reads_in_its_currency(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


@pytest.mark.parametrize("slug", ["acme", "globex"])
def test_demo_data_load_twice_into_the_same(in_acme: TenantContext, slug: str) -> None:
    data = yaml.safe_load((BASE_DIR / "config/demo/orders.yaml").read_text())[slug]
    for _ in range(2):
        counts = services.demo_commerce_load(data["products"], data["orders"])
    assert counts == (Product.objects.count(), Order.objects.count())
    assert min(counts) > 0


def test_every_demo_product_has_its_illustration() -> None:
    data = yaml.safe_load((BASE_DIR / "config/demo/orders.yaml").read_text())
    images = {product["image"] for shop in data.values() for product in shop["products"]}
    drawn = {path.stem for path in Path(BASE_DIR / "static/commerce").glob("*.svg")}
    assert images <= drawn
