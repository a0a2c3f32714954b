"""What staff may ask of the list of orders."""

from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from commerce.types import OrderStatus

STATUS_LABELS = {
    OrderStatus.PLACED: _("Placed"),
    OrderStatus.PAID: _("Paid"),
    OrderStatus.PACKED: _("Packed"),
    OrderStatus.SHIPPED: _("Shipped"),
    OrderStatus.DELIVERED: _("Delivered"),
    OrderStatus.CANCELLED: _("Cancelled"),
    OrderStatus.REFUNDED: _("Refunded"),
}


class OrderFilterForm(forms.Form):
    """Search by number, name or e-mail, and narrow to a status."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("Number, name or e-mail")}
        ),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Every status")), *((str(s), STATUS_LABELS[s]) for s in OrderStatus)],
    )
    page = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def as_query(self) -> str:
        """Return the filters as the beginning of a query string for the pager's links."""
        chosen = {name: self.cleaned_data.get(name) for name in ("q", "status")}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{query}&" if query else ""
