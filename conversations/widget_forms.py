"""The form that makes the form: what an admin enters of a widget's questions to visitors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.asking import FIELDS_LIMIT, NAME, OPTIONS_LIMIT, FieldKind

KINDS: list[tuple[str, Promise | str]] = [
    ("", _("Not used")),
    (FieldKind.TEXT.value, _("Text")),
    (FieldKind.EMAIL.value, _("E-mail address")),
    (FieldKind.SELECT.value, _("Selection")),
    (FieldKind.CHECKBOX.value, _("Checkbox")),
    (FieldKind.CONSENT.value, _("Consent")),
]
BLANK_ROWS = 2
_NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")


class VisitorsForm(forms.Form):
    """What visitors are asked besides the questions; `version` is what was read."""

    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    asks_rating = forms.BooleanField(
        label=_("Ask for a rating when a conversation is resolved"), required=False
    )
    requires_identity = forms.BooleanField(
        label=_("Only signed tokens say who a visitor is"),
        required=False,
        help_text=_("Then a visitor's own word changes no name and no address."),
    )


class QuestionForm(forms.Form):
    """One question; a row that is not used leaves the form."""

    id = forms.RegexField(r"^[a-z][a-z0-9_]{0,39}$", required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, required=False)
    label = forms.CharField(label=_("Question"), required=False, max_length=200)
    options = forms.CharField(
        label=_("Options"),
        required=False,
        max_length=2_000,
        help_text=_("Of a selection, parted by commas."),
    )
    required = forms.BooleanField(label=_("Must be answered"), required=False)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if not found.get("kind"):
            return found
        if not found.get("label"):
            self.add_error("label", _("Say what is asked."))
        options = [part.strip() for part in str(found.get("options", "")).split(",")]
        found["options"] = list(dict.fromkeys(filter(None, options)))
        is_selection = found["kind"] == FieldKind.SELECT
        if is_selection and not 2 <= len(found["options"]) <= OPTIONS_LIMIT:
            self.add_error("options", _("A selection has 2 to 20 options."))
        if not is_selection:
            found["options"] = []
        return found


QuestionFormSet = forms.formset_factory(
    QuestionForm, extra=0, max_num=FIELDS_LIMIT, absolute_max=FIELDS_LIMIT, validate_max=True
)


def questions_initial(fields: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows to show: the questions there are, and some that are not used yet."""
    rows = [{**field, "options": ", ".join(field.get("options", []))} for field in fields]
    return (rows + [{} for _ in range(BLANK_ROWS)])[:FIELDS_LIMIT]


def questions_entered(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the questions of valid rows, each with an id of its own that stays."""
    used = [row for row in rows if row.get("kind")]
    taken = {row["id"] for row in used if row["id"]}
    found = []
    for row in used:
        name = row["id"] or _id_new(str(row["label"]), row["kind"], taken)
        taken.add(name)
        found.append({**row, "id": name})
    return found


def _id_new(label: str, kind: str, taken: set[str]) -> str:
    """Return an id after the label; the first text that asks for a name is the visitor's name."""
    words = _NOT_IN_AN_ID.sub("_", label.lower()).strip("_")
    plain = words[:30] if words[:1].isalpha() else f"{kind}_{words[:20]}".rstrip("_")
    is_name = kind == FieldKind.TEXT and words in {"your_name", "full_name"}
    plain = NAME if is_name else plain
    return next(
        each
        for each in (plain, *(f"{plain}_{number}" for number in range(2, FIELDS_LIMIT + 2)))
        if each not in taken
    )
