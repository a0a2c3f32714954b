"""What staff may ask of the activity page."""

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.types import Metric

METRIC_LABELS = {
    Metric.CONVERSATIONS: _("Conversations"),
    Metric.VISITOR_MESSAGES: _("Visitor messages"),
    Metric.AI_REPLIES: _("AI replies"),
    Metric.AGENT_REPLIES: _("Agent replies"),
    Metric.HANDOVERS: _("Handovers"),
    Metric.RESOLVED: _("Resolved"),
}


class RangeForm(forms.Form):
    """The first and last day to show; both may be left out."""

    first = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    last = forms.DateField(
        label=_("To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
