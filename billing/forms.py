"""What staff may ask of the usage page."""

from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.types import Meter

METER_LABELS = {
    Meter.MESSAGES: _("Visitor messages"),
    Meter.AI_REPLIES: _("AI replies"),
    Meter.TOKENS_IN: _("Tokens read"),
    Meter.TOKENS_OUT: _("Tokens written"),
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


def usage_query(*, period: str, meter: str) -> str:
    """Return the query string that shows a meter of a period."""
    return urlencode({"period": period, "meter": meter})
