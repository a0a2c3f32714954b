"""Writes of commerce: products and orders taken over from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from commerce.errors import CurrencyMixed, ProductUnknown
from commerce.models import Order, OrderLine, Product
from commerce.types import LineInput, OrderInput, OrderStatus, order_number_normalise


def product_upsert(
    *,
    sku: str,
    name: str,
    price_minor: int,
    currency: str,
    description: str = "",
    category: str = "",
    image: str = "",
) -> Product:
    """Create or change a product by its article number. Raises ValidationError. Idempotent."""
    product = Product.objects.filter(sku=sku).first() or Product(sku=sku)
    product.name, product.description = name, description
    product.price_minor, product.currency = price_minor, currency
    product.category, product.image = category, image
    product.full_clean(validate_unique=False)
    product.save()
    return product


@transaction.atomic
def order_import(*, order: OrderInput) -> Order:
    """Create or change an order by its number, lines included; the total is theirs.

    Idempotent: the same input leaves the same order. Raises ProductUnknown, CurrencyMixed,
    ValidationError.
    """
    products = _products_of(order.lines)
    lines = [_line(line, products[line.sku]) for line in order.lines]
    number = order_number_normalise(order.number)
    stored = Order.objects.select_for_update().filter(number=number).first() or Order(number=number)
    stored.customer, stored.email = order.customer, order.email
    stored.status, stored.placed_at = order.status, order.placed_at
    stored.carrier, stored.tracking_code = order.carrier, order.tracking_code
    stored.currency = _currency_of(products.values())
    stored.total_minor = sum(line.total_minor for line in lines)
    stored.full_clean(validate_unique=False)
    stored.save()
    _lines_replace(stored, lines)
    return stored


@transaction.atomic
def demo_commerce_load(
    products: Sequence[Mapping[str, Any]], orders: Sequence[Mapping[str, Any]]
) -> tuple[int, int]:
    """Load the demo's products and orders into the current tenant; return how many of each.

    Takes the mappings of config/demo/orders.yaml. Idempotent by article and order number.
    """
    for product in products:
        product_upsert(**product)
    for order in orders:
        order_import(order=order_input(order))
    return len(products), len(orders)


def order_input(values: Mapping[str, Any]) -> OrderInput:
    """Return an OrderInput from plain values; `placed_at` may be an ISO string."""
    placed_at = values["placed_at"]
    return OrderInput(
        number=values["number"],
        customer=values["customer"],
        email=values["email"],
        status=OrderStatus(values["status"]),
        placed_at=datetime.fromisoformat(placed_at) if isinstance(placed_at, str) else placed_at,
        lines=[LineInput(**line) for line in values["lines"]],
        carrier=values.get("carrier", ""),
        tracking_code=values.get("tracking_code", ""),
    )


def _products_of(lines: Sequence[LineInput]) -> dict[str, Product]:
    wanted = {line.sku for line in lines}
    products = Product.objects.in_bulk(wanted, field_name="sku")
    missing = sorted(wanted - products.keys())
    if missing:
        raise ProductUnknown(skus=missing)
    return products


def _currency_of(products: Iterable[Product]) -> str:
    currencies = {product.currency for product in products}
    if len(currencies) != 1:
        raise CurrencyMixed
    return currencies.pop()


def _line(line: LineInput, product: Product) -> OrderLine:
    price = product.price_minor if line.price_minor is None else line.price_minor
    return OrderLine(
        product=product,
        sku=product.sku,
        name=product.name,
        quantity=line.quantity,
        price_minor=price,
    )


def _lines_replace(order: Order, lines: list[OrderLine]) -> None:
    order.lines.all().delete()
    for line in lines:
        line.order = order
        line.full_clean()
    OrderLine.objects.bulk_create(lines)
