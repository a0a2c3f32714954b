"""What the inbox's forms and the widget's calls may contain."""

from __future__ import annotations

from typing import Any, TypedDict, TypeVar
from uuid import UUID

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.errors import OriginInvalid
from conversations.models import SlaPolicy
from conversations.origins import origin_normalise
from conversations.services import AgentChanges, Triage
from conversations.types import (
    ATTACHMENTS_LIMIT,
    CAPACITY_LIMIT,
    COMMENT_LIMIT,
    MINUTES_LIMIT,
    SHORTCUT_LENGTH,
    SNOOZES,
    TEXT_LIMIT,
    Priority,
)
from core.errors import ValidationFailed
from core.forms import LinesField

Body = TypeVar("Body", bound=BaseModel)
SUGGESTION_LIMIT = 120


def _minutes(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=MINUTES_LIMIT)


class NoteForm(forms.Form):
    """What an agent writes for the team alone; the client id makes sending it twice harmless."""

    text = forms.CharField(
        max_length=TEXT_LIMIT, error_messages={"required": _("Write something first.")}
    )
    client_id = forms.RegexField(r"^[A-Za-z0-9._:-]{1,64}$")

    def require(self) -> dict[str, str]:
        """Return the cleaned values; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        return {"text": self.cleaned_data["text"], "client_id": self.cleaned_data["client_id"]}


class Reply(TypedDict):
    """What an agent says."""

    text: str
    client_id: str
    attachments: list[UUID]


class ReplyForm(forms.Form):
    """What an agent says; `attachments` are ids of uploads, parted by commas."""

    text = forms.CharField(max_length=TEXT_LIMIT, required=False)
    client_id = forms.RegexField(r"^[A-Za-z0-9._:-]{1,64}$")
    attachments = forms.CharField(max_length=ATTACHMENTS_LIMIT * 40, required=False)

    def clean_attachments(self) -> list[UUID]:
        try:
            return [UUID(each) for each in self.cleaned_data["attachments"].split(",") if each]
        except ValueError:
            raise forms.ValidationError(_("This is no upload."), code="invalid") from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned["text"] or cleaned["attachments"]):
            self.add_error("text", _("Write something first."))
        return cleaned

    def require(self) -> Reply:
        """Return the cleaned values; raises ValidationFailed with the first fault as its detail."""
        faults_raise(self)
        asked = self.cleaned_data
        return {
            "text": asked["text"],
            "client_id": asked["client_id"],
            "attachments": asked["attachments"],
        }


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


class NotificationForm(forms.Form):
    """Who is told that a visitor waits, and of which queue."""

    address = forms.CharField(
        label=_("Mail address or Slack webhook"),
        max_length=500,
        help_text=_("Such as team@example.com or https://hooks.slack.com/services/…"),
    )
    queue = forms.CharField(
        label=_("Queue"), required=False, max_length=40, help_text=_("None means all queues.")
    )


class SlaPolicyForm(forms.Form):
    """For whom a service level is, and how many minutes of office hours each may take."""

    name = forms.CharField(label=_("Name"), max_length=80)
    first_response_minutes = _minutes(_("Minutes to the first answer"))
    next_response_minutes = _minutes(_("Minutes to every further answer"))
    resolution_minutes = _minutes(_("Minutes to the resolution"))
    priority_from = forms.ChoiceField(
        label=_("From priority"), choices=[(each.key, each.key.capitalize()) for each in Priority]
    )
    labels = forms.CharField(
        label=_("With one of these labels"),
        required=False,
        max_length=800,
        help_text=_("Parted by commas; none means whatever labels."),
    )
    channels = forms.CharField(
        label=_("In these channels"),
        required=False,
        max_length=400,
        help_text=_("Such as web or api, parted by commas; none means all."),
    )
    position = forms.IntegerField(
        label=_("Order"),
        min_value=0,
        max_value=1_000,
        help_text=_("The first that fits holds, counted from 0."),
    )
    is_active = forms.BooleanField(label=_("In force"), required=False)

    @staticmethod
    def initial_of(policy: SlaPolicy | None) -> dict[str, Any]:
        """Return what the form shows of a policy, or of a new one."""
        policy = policy or SlaPolicy()
        plain = ("name", "position", "is_active", *SlaPolicy.MINUTES.values())
        return {
            **{name: getattr(policy, name) for name in plain},
            "priority_from": Priority(policy.priority_from).key,
            "labels": ", ".join(policy.labels),
            "channels": ", ".join(policy.channels),
        }

    def clean_labels(self) -> list[str]:
        return self._words("labels")

    def clean_channels(self) -> list[str]:
        return self._words("channels")

    def _words(self, name: str) -> list[str]:
        return sorted({word.strip().lower() for word in self.cleaned_data[name].split(",")} - {""})

    @property
    def values(self) -> dict[str, Any]:
        """Return the values as the service takes them."""
        return {
            **self.cleaned_data,
            "priority_from": Priority[self.cleaned_data["priority_from"].upper()],
        }


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


class FramesBody(BaseModel):
    """`POST /widget/frames`: what the visitor says in a conversation, in order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation: UUID
    frames: list[dict[str, Any]] = Field(min_length=1, max_length=20)


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
