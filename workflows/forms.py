"""Forms of the workflow pages."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from workflows.engine.events import RunStatus
from workflows.models import WorkflowVersion
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
    """A workflow's text, to be checked, kept as a draft or published.

    ``revision`` and ``replaces`` say what the person saw: the draft's revision, and the hash of the
    version that answered.
    """

    source = forms.CharField(
        label=_("YAML"),
        max_length=MAX_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false", "class": "mono"}),
    )
    note = forms.CharField(
        label=_("What changed"),
        max_length=200,
        required=False,
        help_text=_("Stands beside the version for others to read."),
    )
    title = forms.CharField(
        label=_("Name of the draft"),
        max_length=80,
        required=False,
        help_text=_("Only for keeping a draft that others may continue."),
    )
    revision = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    replaces = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_source(self) -> str:
        """Give the text the line ends it was written with: browsers send their own."""
        return str(self.cleaned_data["source"]).replace("\r\n", "\n")


class CompareForm(forms.Form):
    """Which two versions to compare, by hash."""

    before = forms.RegexField(r"^[0-9a-f]{64}$", label=_("From"))
    after = forms.RegexField(r"^[0-9a-f]{64}$", label=_("To"))


class ReplayForm(forms.Form):
    """Which version of its workflow a run is walked again with."""

    version = forms.ChoiceField(label=_("Version"), required=False)

    def __init__(self, *args: Any, versions: Iterable[WorkflowVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(one.content_hash, f"{one.version} · {one.content_hash[:12]}") for one in versions]
        chosen = [("", _("Its own")), *names]
        self.fields["version"].choices = chosen  # type: ignore[attr-defined]


class DecisionForm(forms.Form):
    """A decision on what a run asks the team."""

    approved = forms.TypedChoiceField(
        choices=[("true", _("Approve")), ("false", _("Reject"))],
        coerce=lambda value: value == "true",
    )
    comment = forms.CharField(max_length=1_000, required=False)
