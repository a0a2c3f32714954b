"""Products and orders in a tenant's schema; money in minor units with its currency."""

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from commerce.types import OrderStatus
from core.identifiers import uuid7

ISO_CURRENCY = RegexValidator("^[A-Z]{3}$", _("A currency is three capital letters, like EUR."))


class Product(models.Model):
    """Something the workspace sells; `sku` is its article number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sku = models.CharField(_("article number"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=160)
    description = models.TextField(_("description"), blank=True)
    price_minor = models.PositiveIntegerField(_("price, in minor units"))
    currency = models.CharField(_("currency"), max_length=3, validators=[ISO_CURRENCY])
    category = models.CharField(_("category"), max_length=80, blank=True)
    image = models.SlugField(_("illustration"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["category", "name", "sku"]

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """A customer's order and where it stands."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(_("number"), max_length=40, unique=True)
    customer = models.CharField(_("customer"), max_length=160)
    email = models.EmailField(_("e-mail"))
    status = models.CharField(
        _("status"), max_length=12, choices=[(str(s), str(s)) for s in OrderStatus]
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[ISO_CURRENCY])
    total_minor = models.PositiveBigIntegerField(_("total, in minor units"))
    carrier = models.CharField(_("carrier"), max_length=80, blank=True)
    tracking_code = models.CharField(_("tracking code"), max_length=80, blank=True)
    placed_at = models.DateTimeField(_("placed"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-id"]
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_recent"),
            models.Index(Lower("email"), name="order_email"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """A product in an order, with its name and price at the time."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="lines")
    sku = models.CharField(_("article number"), max_length=40)
    name = models.CharField(_("name"), max_length=160)
    quantity = models.PositiveIntegerField(_("quantity"), validators=[MinValueValidator(1)])
    price_minor = models.PositiveIntegerField(_("price, in minor units"))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1), name="order_line_quantity_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def total_minor(self) -> int:
        return self.quantity * self.price_minor
