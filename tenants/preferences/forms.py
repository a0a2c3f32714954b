"""A group's form, made from its model: what the page shows follows from what the code declares."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from core.errors import DomainError, ValidationFailed
from core.forms import LinesField
from tenants.preferences.registry import SettingGroup, Shown, shown_of
from tenants.preferences.types import Snapshot

LINES_LIMIT = 500  # the group's own field says how many it takes


class GroupForm(forms.Form):
    """The version that was read, and one field for each of the group's; checked by its model."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, group: SettingGroup, snapshot: Snapshot, data: QueryDict | None = None
    ) -> None:
        initial = {**snapshot.values, "version": snapshot.version}
        super().__init__(data.dict() if data else None, initial=initial, auto_id=f"{group.key}_%s")
        self.group = group
        for name in group.model.model_fields:
            self.fields[name] = _field(shown_of(group, name))

    @property
    def values(self) -> dict[str, Any]:
        """Return what was entered, without the version."""
        return {name: self.cleaned_data[name] for name in self.group.model.model_fields}

    def error_add(self, error: DomainError) -> None:
        """Show a refusal at its field, or above the form; the next try knows the new version."""
        if isinstance(error, ValidationFailed):
            for fault in error.data["errors"]:
                name = fault["pointer"].removeprefix("/values/").partition("/")[0]
                self.add_error(name if name in self.fields else None, fault["detail"])
            return
        self.add_error(None, str(error.detail))
        if "version" in error.data:
            self.data = {**self.data, "version": str(error.data["version"])}


def _field(shown: Shown) -> forms.Field:
    common: dict[str, Any] = {"label": shown.label, "help_text": shown.help}
    if shown.control == "switch":
        return forms.BooleanField(required=False, **common)
    if shown.control == "number":
        return forms.IntegerField(**common)
    if shown.control == "lines":
        area = forms.Textarea(attrs={"rows": 3})
        return LinesField(required=False, lines_limit=LINES_LIMIT, widget=area, **common)
    if shown.control == "choice":
        choices = shown.choices() if shown.choices else ()
        required = all(value for value, _label in choices)
        return forms.ChoiceField(choices=choices, required=required, **common)
    return forms.CharField(error_messages={"required": _("Enter something here.")}, **common)
