"""Forms of the workflow pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from workflows.engine.events import RunStatus
from workflows.spec.source import MAX_BYTES

STATUSES = [
    ("", _("All")),
    ("active", _("In progress")),
    (RunStatus.COMPLETED.value, _("Completed")),
    (RunStatus.HANDED_OVER.value, _("Handed over")),
    (RunStatus.SUPERSEDED.value, _("Superseded")),
    (RunStatus.FAILED.value, _("Failed")),
]


class RunFilterForm(forms.Form):
    """Which runs to list."""

    workflow = forms.ChoiceField(label=_("Workflow"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=STATUSES)

    def __init__(self, *args: Any, workflows: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [("", _("All")), *((name, name) for name in workflows)]
        self.fields["workflow"].choices = names  # type: ignore[attr-defined]


class WorkflowSourceForm(forms.Form):
    """A workflow's text, to be checked or published."""

    source = forms.CharField(
        label=_("YAML"),
        max_length=MAX_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false", "class": "mono"}),
    )
