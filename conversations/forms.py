"""What the inbox's forms and the widget's calls may contain."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.errors import OriginInvalid
from conversations.origins import origin_normalise
from conversations.services import Triage
from conversations.types import COMMENT_LIMIT, SNOOZES, TEXT_LIMIT, Priority
from core.errors import ValidationFailed

Body = TypeVar("Body", bound=BaseModel)
LINES_LIMIT = 20
SUGGESTION_LIMIT = 120


class ReplyForm(forms.Form):
    """What an agent says; the client id makes sending it twice harmless."""

    text = forms.CharField(
        max_length=TEXT_LIMIT, error_messages={"required": _("Write something first.")}
    )
    client_id = forms.RegexField(r"^[A-Za-z0-9._:-]{1,64}$")

    def require(self) -> dict[str, str]:
        """Return the cleaned values; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        return {"text": self.cleaned_data["text"], "client_id": self.cleaned_data["client_id"]}


class NoteForm(ReplyForm):
    """What an agent writes for the team alone."""


class TriageForm(forms.Form):
    """What an agent arranges; labels are parted by commas, an empty snooze changes nothing."""

    priority = forms.ChoiceField(choices=[(each.key, each.key) for each in Priority])
    labels = forms.CharField(required=False, max_length=2_000)
    snooze = forms.ChoiceField(
        required=False, choices=[(key, key) for key in ("", "wake", *SNOOZES)]
    )

    def require(self) -> Triage:
        """Return the changes; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        asked = self.cleaned_data
        changes = Triage(
            priority=Priority[asked["priority"].upper()], labels=asked["labels"].split(",")
        )
        if asked["snooze"] == "wake":
            changes["snoozed_until"] = None
        elif asked["snooze"]:
            changes["snoozed_until"] = timezone.now() + SNOOZES[asked["snooze"]]
        return changes


def faults_raise(form: forms.Form) -> None:
    """Raise ValidationFailed for a form that is not valid, with the first fault as its detail."""
    if form.is_valid():
        return
    faults = [
        {"pointer": f"/{field}", "code": str(fault["code"]), "detail": str(fault["message"])}
        for field, found in form.errors.get_json_data().items()
        for fault in found
    ]
    raise ValidationFailed(faults[0]["detail"], errors=faults)


class LinesField(forms.CharField):
    """Several short texts, one on each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        found = [line for line in lines if line]
        if len(found) > LINES_LIMIT:
            raise forms.ValidationError(
                _("At most %(limit)d lines."), params={"limit": LINES_LIMIT}
            )
        return found


class WidgetForm(forms.Form):
    """Where the widget may appear and how it looks; `version` is what was read."""

    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    allowed_origins = LinesField(
        label=_("Sites that may show the chat"),
        required=False,
        help_text=_("One on each line, such as https://www.example.com. No path at the end."),
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://www.example.com"}),
    )
    title = forms.CharField(
        label=_("Name in the header"),
        required=False,
        max_length=80,
        help_text=_("Instead of the workspace's."),
    )
    greeting = forms.CharField(label=_("Greeting"), required=False, max_length=300)
    suggestions = LinesField(
        label=_("Suggested questions"),
        required=False,
        help_text=_("One on each line; visitors start with a click."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    accent = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=_("Colour"),
        widget=forms.TextInput(attrs={"type": "color"}),
    )

    theme = forms.ChoiceField(
        label=_("Light or dark"),
        required=False,
        choices=[
            ("auto", _("As each visitor's system asks")),
            ("light", _("Always light")),
            ("dark", _("Always dark")),
        ],
    )

    def clean_theme(self) -> str:
        return self.cleaned_data["theme"] or "auto"

    def clean_allowed_origins(self) -> list[str]:
        lines: list[str] = self.cleaned_data["allowed_origins"]
        try:
            return [origin_normalise(line) for line in lines]
        except OriginInvalid as error:
            raise forms.ValidationError(str(error.detail)) from error

    def clean_suggestions(self) -> list[str]:
        lines: list[str] = self.cleaned_data["suggestions"]
        if any(len(line) > SUGGESTION_LIMIT for line in lines):
            raise forms.ValidationError(
                _("A question may have %(limit)d characters."), params={"limit": SUGGESTION_LIMIT}
            )
        return lines


class PagePart(BaseModel):
    """The page that embeds the widget."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(default="", max_length=2_000)
    title: str = Field(default="", max_length=300)


class SessionBody(BaseModel):
    """`POST /widget/session`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str = Field(min_length=1, max_length=40)
    visitor_token: str = Field(default="", max_length=500)
    user_token: str = Field(default="", max_length=4_096)
    page: PagePart = Field(default_factory=PagePart)


class HandoverBody(BaseModel):
    """`POST /widget/handover`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation_id: str = Field(pattern=r"^[0-9a-f-]{36}$")


class VisitorBody(BaseModel):
    """`POST /widget/visitor`; what an attribute may be, the service checks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attributes: dict[str, Any] = Field(default_factory=dict, max_length=40)
    name: str = Field(default="", max_length=120)
    email: str = Field(default="", max_length=254)


class FormBody(HandoverBody):
    """`POST /widget/form`; what is asked, the widget's form says."""

    answers: dict[str, Any] = Field(max_length=20)


class ContactBody(HandoverBody):
    """`POST /widget/contact`."""

    name: str = Field(default="", max_length=120)
    email: str = Field(min_length=1, max_length=254)


class RatingBody(HandoverBody):
    """`POST /widget/rating`."""

    score: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=COMMENT_LIMIT)


def body_parse(model: type[Body], content: bytes) -> Body:
    """Return a JSON body as a strict model; raises ValidationFailed naming each fault."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        faults = [
            {
                "pointer": "/" + "/".join(str(part) for part in fault["loc"]),
                "code": fault["type"],
                "detail": fault["msg"],
            }
            for fault in error.errors(include_url=False, include_input=False)
        ]
    raise ValidationFailed(errors=faults)
