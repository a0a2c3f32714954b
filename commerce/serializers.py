"""Products and orders, as the REST API shows them."""

from commerce.models import Order, OrderLine, Product
from core.answers import AnswerSerializer


class ProductSerializer(AnswerSerializer[Product]):
    """A product; `price_minor` is in minor units of `currency`."""

    class Meta:
        model = Product
        fields = ("id", "sku", "name", "description", "category", "price_minor", "currency")
        read_only_fields = fields


class OrderLineSerializer(AnswerSerializer[OrderLine]):
    """A product in an order, with its price at the time."""

    class Meta:
        model = OrderLine
        fields = ("sku", "name", "quantity", "price_minor")
        read_only_fields = fields


class OrderSerializer(AnswerSerializer[Order]):
    """An order with its lines; amounts are in minor units of `currency`."""

    lines = OrderLineSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "number",
            "customer",
            "email",
            "status",
            "currency",
            "total_minor",
            "carrier",
            "tracking_code",
            "placed_at",
            "lines",
        )
        read_only_fields = fields
