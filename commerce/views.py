"""Staff pages of commerce, and the public storefront of demo workspaces."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from commerce import selectors
from commerce.errors import StorefrontMissing
from commerce.forms import STATUS_LABELS, OrderFilterForm
from commerce.models import Product
from commerce.types import OrderStatus
from core import fragments
from tenants.permissions import requires
from tenants.selectors import tenant_current

PAGE_SIZE = 50
HERO_IMAGES = 3


@require_safe
@requires("commerce:read")
def orders(request: HttpRequest) -> HttpResponse:
    """List orders, newest first."""
    form = OrderFilterForm(request.GET)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    found = selectors.order_list(status=chosen.get("status", ""), search=chosen.get("q", ""))
    page = Paginator(found, PAGE_SIZE).get_page(chosen.get("page") or 1)
    context = {
        "form": form,
        "page": page,
        "rows": [(order, STATUS_LABELS[OrderStatus(order.status)]) for order in page.object_list],
        "query": form.as_query(),
        "is_filtered": bool(form.as_query()),
    }
    return render(request, "commerce/orders.html", context)


@require_safe
@requires("commerce:read")
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Show one order with its lines and shipment."""
    found = selectors.order_get(number=number)
    if found is None:
        raise Http404
    context = {"order": found, "status": STATUS_LABELS[OrderStatus(found.status)]}
    return render(request, "commerce/order.html", context)


@require_safe
def storefront(request: HttpRequest) -> HttpResponse:
    """Show the demo shop with the chat widget, as a customer of the workspace would embed it.

    Public. Raises StorefrontMissing for workspaces that are no demo.
    """
    tenant = tenant_current()
    if not tenant.is_demo:
        raise StorefrontMissing
    products = list(selectors.product_list())
    context = {
        "shop": tenant.name,
        "hero": _hero(products),
        "shelves": _shelves(products),
        "widget": fragments.render("widget_embed", request),
    }
    return render(request, "commerce/storefront.html", context)


def _shelves(products: Iterable[Product]) -> list[tuple[str, list[Product]]]:
    """Return the products by category; they come ordered by it."""
    return [(name, list(found)) for name, found in groupby(products, lambda p: p.category)]


def _hero(products: Iterable[Product]) -> list[str]:
    """Return the illustrations for the top of the page, each different."""
    images = dict.fromkeys(product.image for product in products if product.image)
    return list(images)[:HERO_IMAGES]
