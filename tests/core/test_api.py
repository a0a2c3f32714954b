"""Lists come in the order that was asked for, page after page, without repeating or skipping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from commerce.api import ProductPagination
from commerce.models import Product
from core.tenancy import TenantContext, tenant_scope

SignIn = Callable[..., Client]
PATH = "/api/v1/products"


@pytest.fixture
def products(acme: TenantContext, globex: TenantContext) -> None:
    """Make seven products, of which several cost the same, and one next door."""
    for tenant, count in ((acme, 7), (globex, 1)):
        with tenant_scope(tenant):
            for number in range(count):
                Product.objects.create(
                    sku=f"{tenant.slug}-{number}",
                    name=f"Tent {9 - number}",
                    price_minor=100 + number // 3,
                    currency="EUR",
                )


def pages(client: Client, **query: Any) -> list[dict[str, Any]]:
    """Return the rows of every page, following `next`."""
    rows, address = [], f"{PATH}?page_size=2"
    address += "".join(f"&{name}={value}" for name, value in query.items())
    while address:
        page = client.get(address).json()
        rows += page["results"]
        address = page["next"] or ""
    return rows


@pytest.mark.parametrize("order", ProductPagination.choices())
def test_pages_follow_the_order_and_hold_each_row_once(
    sign_in: SignIn, products: None, order: str
) -> None:
    rows = pages(sign_in(), ordering=order)
    assert sorted(row["sku"] for row in rows) == [f"acme-{number}" for number in range(7)]
    field = order.lstrip("-")
    if field in rows[0]:
        values = [row[field] for row in rows]
        assert values == sorted(values, reverse=order.startswith("-"))


def test_rows_alike_are_kept_apart_by_their_id(sign_in: SignIn, products: None) -> None:
    rows = pages(sign_in(), ordering="price_minor")
    keys = [(row["price_minor"], row["id"]) for row in rows]
    assert keys == sorted(keys)


def test_usual_order_is_the_first_choice(sign_in: SignIn, products: None) -> None:
    usual = pages(sign_in())
    assert usual == pages(sign_in(), ordering="-created_at") == pages(sign_in(), ordering="")


@pytest.mark.parametrize("order", ["image", "updated_at", "pk", "?", "name,sku", "--name"])
def test_order_that_is_no_choice_is_refused(sign_in: SignIn, products: None, order: str) -> None:
    answer = sign_in().get(PATH, {"ordering": order})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/ordering"
    assert answer.json()["errors"][0]["code"] == "invalid_choice"


def test_cursor_of_another_order_is_not_an_error_of_ours(sign_in: SignIn, products: None) -> None:
    following = sign_in().get(PATH, {"ordering": "name", "page_size": "2"}).json()["next"]
    mixed = following.replace("ordering=name", "ordering=price_minor")
    assert sign_in().get(mixed).status_code == 404
