"""Order states and the values commerce takes and hands out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    PAID = "paid"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class LineInput:
    """A line of an order to import; the price defaults to the product's own."""

    sku: str
    quantity: int
    price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class OrderInput:
    """An order as another system gives it."""

    number: str
    customer: str
    email: str
    status: OrderStatus
    placed_at: datetime
    lines: Sequence[LineInput]
    carrier: str = ""
    tracking_code: str = ""


def order_number_normalise(number: str) -> str:
    """Return an order number the way it is stored: upper case, without `#` and spaces."""
    return "".join(number.split()).lstrip("#").upper()
