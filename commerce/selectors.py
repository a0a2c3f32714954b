"""Reads of commerce."""

from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from commerce.models import Order, OrderLine, Product
from commerce.types import order_number_normalise


def product_list(*, category: str = "", search: str = "") -> QuerySet[Product]:
    """Return products by category and name, narrowed where asked."""
    products = Product.objects.filter(category=category) if category else Product.objects.all()
    if search:
        products = products.filter(Q(name__icontains=search) | Q(sku__iexact=search.strip()))
    return products


def category_list() -> list[str]:
    """Return the categories that have products, in order."""
    names = Product.objects.exclude(category="").order_by("category")
    return list(names.values_list("category", flat=True).distinct())


def order_list(*, status: str = "", search: str = "") -> QuerySet[Order]:
    """Return orders, newest first, narrowed to a status and to a number, name or e-mail."""
    orders = Order.objects.filter(status=status) if status else Order.objects.all()
    if search:
        number = order_number_normalise(search)
        orders = orders.filter(
            Q(number__startswith=number)
            | Q(customer__icontains=search.strip())
            | Q(email__icontains=search.strip())
        )
    return orders.prefetch_related(_lines())


def order_get(*, number: str) -> Order | None:
    """Return an order with its lines by its number, for staff."""
    wanted = Order.objects.filter(number=order_number_normalise(number))
    return wanted.prefetch_related(_lines()).first()


def order_for_lookup(*, number: str, email: str) -> Order | None:
    """Return the order a visitor may see: number and e-mail address have to match, both.

    None does not tell which of the two was wrong.
    """
    wanted = Order.objects.filter(
        number=order_number_normalise(number), email__iexact=email.strip()
    )
    return wanted.prefetch_related(_lines()).first()


def _lines() -> Prefetch[str]:
    return Prefetch("lines", queryset=OrderLine.objects.order_by("pk"))
