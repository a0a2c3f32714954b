"""What staff may ask of the usage page."""

from decimal import Decimal
from urllib.parse import urlencode

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from billing.types import Meter

METER_LABELS = {
    Meter.MESSAGES: _("Visitor messages"),
    Meter.AI_REPLIES: _("AI replies"),
    Meter.TOKENS_IN: _("Tokens read"),
    Meter.TOKENS_OUT: _("Tokens written"),
    Meter.SPEND_MICRO: _("Remote model cost"),
    Meter.RUNS: _("Workflow runs"),
    Meter.DOCUMENTS: _("Documents processed"),
    Meter.STORAGE_BYTES: _("Bytes stored"),
}


class UsageForm(forms.Form):
    """A month and the meter to draw and list."""

    period = forms.RegexField(regex=r"^\d{4}-\d{2}$", required=False)
    meter = forms.ChoiceField(
        label=_("Meter"), required=False, choices=[(str(m), METER_LABELS[m]) for m in Meter]
    )
    page = forms.IntegerField(required=False, min_value=1)

    @property
    def chosen_meter(self) -> Meter:
        """Return the meter asked for, else messages."""
        return Meter(self.cleaned_data.get("meter") or Meter.MESSAGES)


def quantity_text(meter: str, quantity: int) -> str:
    """Return a quantity as people read it: bytes in their unit, money in whole units."""
    if meter == Meter.STORAGE_BYTES:
        return filesizeformat(quantity)
    if meter == Meter.SPEND_MICRO:
        return number_format(Decimal(quantity) / 1_000_000, decimal_pos=2, force_grouping=True)
    return number_format(quantity, force_grouping=True)


def usage_query(*, period: str, meter: str) -> str:
    """Return the query string that shows a meter of a period."""
    return urlencode({"period": period, "meter": meter})
