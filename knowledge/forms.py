"""Forms of the knowledge pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from knowledge.questions import MAX_QUERY

MAX_FILES = 50
ACCEPTED = ".pdf,.docx,.html,.htm,.md,.markdown,.txt,.csv"


class FilesInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """A field of one or more files; what is in them is judged one by one, later."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[bytes]]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files:
            raise forms.ValidationError(_("Choose at least one file."), code="required")
        if len(files) > MAX_FILES:
            raise forms.ValidationError(_("Upload at most 50 files at a time."), code="too_many")
        return list(files)


class UploadForm(forms.Form):
    """Files to answer from."""

    documents = FilesField(
        label=_("Files"),
        widget=FilesInput(attrs={"accept": ACCEPTED, "class": "drop-input"}),
        help_text=_(
            "PDF, DOCX, HTML, Markdown, TXT or a CSV of questions and answers; 20 MB each."
        ),
    )
    collection = forms.CharField(
        label=_("Collection"),
        required=False,
        max_length=80,
        help_text=_("A name to group documents by, such as “policies”."),
    )


class UrlForm(forms.Form):
    """A page to answer from."""

    url = forms.URLField(
        label=_("Address of a page"),
        max_length=2000,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    collection = forms.CharField(label=_("Collection"), required=False, max_length=80)


class RetrievalTestForm(forms.Form):
    """A question, and how sure a passage has to be to be shown."""

    q = forms.CharField(
        label=_("Question"),
        max_length=MAX_QUERY,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    threshold = forms.FloatField(
        label=_("Threshold"),
        required=False,
        min_value=0,
        max_value=1,
        initial=0,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    limit = forms.IntegerField(
        label=_("Passages"), required=False, min_value=1, max_value=30, initial=8
    )
