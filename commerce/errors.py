"""What commerce foresees going wrong."""

from core.errors import DomainError, NotFound


class ProductUnknown(DomainError):
    """An order line names a product that the workspace does not sell."""

    code = "product_unknown"
    title = "There is no product with this article number."
    http_status = 422


class CurrencyMixed(DomainError):
    """An order's products have different currencies."""

    code = "currency_mixed"
    title = "An order has one currency."
    http_status = 422


class StorefrontMissing(NotFound):
    """The workspace has no demo storefront."""
