"""Form fields that several apps' pages have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

LINES_LIMIT = 20


class LinesField(forms.CharField):
    """Several short texts, one on each line; `lines_limit` of them at most."""

    widget = forms.Textarea

    def __init__(self, *, lines_limit: int = LINES_LIMIT, **options: Any) -> None:
        super().__init__(**options)
        self.lines_limit = lines_limit

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        found = [line for line in lines if line]
        if len(found) > self.lines_limit:
            raise forms.ValidationError(
                _("At most %(limit)d lines."), params={"limit": self.lines_limit}
            )
        return found
