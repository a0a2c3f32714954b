"""What the inbox's forms and the widget's calls may contain."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.errors import OriginInvalid
from conversations.origins import origin_normalise
from conversations.services import AgentChanges, Triage
from conversations.types import (
    CAPACITY_LIMIT,
    SHORTCUT_LENGTH,
    SNOOZES,
    TEXT_LIMIT,
    Priority,
)
from core.errors import ValidationFailed
from core.forms import LinesField

Body = TypeVar("Body", bound=BaseModel)
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


class CannedReplyForm(forms.Form):
    """A text that is said often, and the shortcut that brings it into a reply."""

    shortcut = forms.CharField(
        label=_("Shortcut"),
        max_length=SHORTCUT_LENGTH + 1,
        help_text=_("Small letters, digits and hyphens; typed behind a slash: /refund-policy."),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        help_text=_(
            "Filled in at once: {{customer.name|there}}, {{agent.name}}, {{workspace.name}}, "
            "{{conversation.id}}. What stands behind the bar is said where there is no value."
        ),
    )
    is_shared = forms.BooleanField(
        label=_("For everybody"),
        required=False,
        help_text=_("Else it is yours alone."),
    )


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


class AssignForm(forms.Form):
    """Who shall have a conversation."""

    assignee_id = forms.UUIDField(error_messages={"required": _("Choose somebody.")})

    def require(self) -> UUID:
        """Return their id; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        return UUID(str(self.cleaned_data["assignee_id"]))


class AvailabilityForm(forms.Form):
    is_available = forms.ChoiceField(choices=[("1", "1"), ("0", "0")])

    def require(self) -> bool:
        """Return whether conversations may come; raises ValidationFailed."""
        faults_raise(self)
        return bool(self.cleaned_data["is_available"] == "1")


class AgentForm(forms.Form):
    """An agent's capacity, empty for the workspace's, and queues, parted by commas."""

    capacity = forms.IntegerField(required=False, min_value=1, max_value=CAPACITY_LIMIT)
    skills = forms.CharField(required=False, max_length=1_000)

    def require(self) -> AgentChanges:
        """Return the changes; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        asked = self.cleaned_data
        return {"capacity": asked["capacity"], "skills": asked["skills"].split(",")}


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
    page: PagePart = Field(default_factory=PagePart)


class HandoverBody(BaseModel):
    """`POST /widget/handover`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation_id: str = Field(pattern=r"^[0-9a-f-]{36}$")


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
