"""What staff may ask of the list of decisions."""

from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from routing.types import Intent, Tier


class DecisionFilterForm(forms.Form):
    """Narrow the list to a tier or an intent."""

    tier = forms.ChoiceField(
        label=_("Tier"), required=False, choices=[("", _("Every tier")), *((t, t) for t in Tier)]
    )
    intent = forms.ChoiceField(
        label=_("Intent"),
        required=False,
        choices=[("", _("Every intent")), *((i, str(i).replace("_", " ")) for i in Intent)],
    )
    page = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def as_query(self) -> str:
        """Return the filters as the beginning of a query string for the pager's links."""
        chosen = {name: self.cleaned_data.get(name) for name in ("tier", "intent")}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{query}&" if query else ""
