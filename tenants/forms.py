"""Forms of sign-up, sign-in and the settings pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit.types import Act
from core.errors import DomainError
from tenants import selectors
from tenants.audit_labels import ACT_LABELS, PLATFORM_ACTS
from tenants.types import REQUESTS_PER_MINUTE_LIMIT, SCOPES, Role

FIELD_BY_CODE = {
    "slug_taken": "slug",
    "slug_invalid": "slug",
    "slug_reserved": "slug",
    "email_taken": "email",
    "password_weak": "password",
    "password_wrong": "current",
    "already_member": "email",
    "invitation_open": "email",
    "role_too_high": "role",
}
ROLE_CHOICES = [
    (Role.OWNER.value, _("Owner")),
    (Role.ADMIN.value, _("Admin")),
    (Role.AGENT.value, _("Agent")),
    (Role.VIEWER.value, _("Viewer")),
]
KEY_LIFETIMES = [("", _("Never")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year"))]


KEY_OVERLAPS = [
    ("0", _("At once")),
    ("1", _("In 1 hour")),
    ("24", _("In 24 hours")),
    ("168", _("In 7 days")),
]


class DomainForm(forms.Form):
    """Show an expected failure of the service at the field it is about."""

    def error_add(self, error: DomainError) -> None:
        """Attach the error's sentence to its field, or to the form when it has none here."""
        field = FIELD_BY_CODE.get(error.code)
        self.add_error(field if field in self.fields else None, str(error.detail))


class SignUpForm(DomainForm):
    """A new workspace and its owner."""

    name = forms.CharField(
        label=_("Business name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    slug = forms.CharField(
        label=_("Workspace address"),
        min_length=3,
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    email = forms.EmailField(
        label=_("Work e-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        help_text=_("At least 10 characters; a sentence works well."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class LoginForm(forms.Form):
    """E-mail and password of a member of this workspace."""

    email = forms.EmailField(
        label=_("E-mail"),
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class WorkspaceForm(forms.Form):
    """Which workspace someone wants to sign in to."""

    slug = forms.CharField(
        label=_("Workspace address"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "organization",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()


class InvitationForm(DomainForm):
    """Someone who is asked to join the team."""

    email = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_CHOICES, initial=Role.AGENT.value)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=ROLE_CHOICES)


class ApiKeyForm(DomainForm):
    """A machine's new credential."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What will use it, such as “Order sync”.")
    )
    lifetime = forms.ChoiceField(label=_("Expires"), choices=KEY_LIFETIMES, required=False)
    requests_per_minute = forms.IntegerField(
        label=_("Requests a minute"),
        min_value=1,
        max_value=REQUESTS_PER_MINUTE_LIMIT,
        required=False,
        help_text=_("A limit of its own, within the workspace's."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one permission.")},
    )

    @property
    def expires_at(self) -> datetime | None:
        """Return when the key ends, counted from now, or None."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class ApiKeyRotateForm(forms.Form):
    """How long the replaced key goes on working."""

    overlap = forms.ChoiceField(label=_("The old key ends"), choices=KEY_OVERLAPS, initial="24")

    @property
    def overlap_length(self) -> timedelta:
        """Return the time both keys work."""
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class AuditForm(forms.Form):
    """Which entries of the audit log to show; days are UTC's, the last one included."""

    act = forms.ChoiceField(label=_("What"), required=False)
    actor = forms.ChoiceField(label=_("By"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        acts = [(act.value, label) for act, label in ACT_LABELS.items() if act not in PLATFORM_ACTS]
        self.fields["act"].choices = [("", _("Everything")), *acts]  # type: ignore[attr-defined]
        people = [(str(m.person_id), m.person.display_name) for m in selectors.membership_list()]
        self.fields["actor"].choices = [("", _("Anyone")), *people]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """Return the filters for `entry_list`; what is not valid filters nothing."""
        if not self.is_valid():
            return {}
        said = self.cleaned_data
        found = {
            "act": Act(said["act"]) if said["act"] else None,
            "actor_id": said["actor"],
            "since": _midnight(said["since"], 0),
            "until": _midnight(said["until"], 1),
        }
        return {name: value for name, value in found.items() if value}


def _midnight(day: date | None, later: int) -> datetime | None:
    return datetime.combine(day + timedelta(days=later), time(), UTC) if day else None


FLAG_CHOICES = [("on", _("On")), ("off", _("Off")), ("default", _("As the platform has it"))]


class FlagForm(forms.Form):
    """A feature, and what it shall be in this workspace."""

    flag = forms.CharField(max_length=100)
    choice = forms.ChoiceField(choices=FLAG_CHOICES)

    @property
    def is_on(self) -> bool | None:
        return {"on": True, "off": False, "default": None}[self.cleaned_data["choice"]]
