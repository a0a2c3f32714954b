"""REST of commerce: products and orders, read-only."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView

from commerce import selectors
from commerce.models import Order, Product
from commerce.serializers import OrderSerializer, ProductSerializer
from commerce.types import OrderStatus
from core.api import CursorPagination


class OrderPagination(CursorPagination):
    """Newest orders first."""

    orders = ("-placed_at", "-total_minor", "number")


class ProductPagination(CursorPagination):
    """Newest products first."""

    orders = ("-created_at", "name", "price_minor", "sku")


@extend_schema(
    tags=["commerce"],
    parameters=[
        OpenApiParameter("status", str, enum=[str(status) for status in OrderStatus]),
        OpenApiParameter("search", str, description="A number, name or e-mail address."),
    ],
)
class OrderListView(ListAPIView[Order]):
    """List orders, newest first."""

    required_scope = "commerce:read"
    serializer_class = OrderSerializer
    pagination_class = OrderPagination
    queryset = Order.objects.none()

    def get_queryset(self) -> QuerySet[Order]:
        asked = self.request.query_params
        return selectors.order_list(status=asked.get("status", ""), search=asked.get("search", ""))


@extend_schema(tags=["commerce"])
class OrderDetailView(RetrieveAPIView[Order]):
    """Return one order."""

    required_scope = "commerce:read"
    serializer_class = OrderSerializer
    queryset = Order.objects.prefetch_related("lines")


@extend_schema(
    tags=["commerce"],
    parameters=[OpenApiParameter("category", str), OpenApiParameter("search", str)],
)
class ProductListView(ListAPIView[Product]):
    """List products, newest first."""

    required_scope = "commerce:read"
    serializer_class = ProductSerializer
    pagination_class = ProductPagination
    queryset = Product.objects.none()

    def get_queryset(self) -> QuerySet[Product]:
        asked = self.request.query_params
        return selectors.product_list(
            category=asked.get("category", ""), search=asked.get("search", "")
        )


@extend_schema(tags=["commerce"])
class ProductDetailView(RetrieveAPIView[Product]):
    """Return one product."""

    required_scope = "commerce:read"
    serializer_class = ProductSerializer
    queryset = Product.objects.all()
