"""The tenants app's own settings: who the workspace is, and who gets in."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from pydantic import Field, field_validator

from core import tenancy
from tenants.models import Tenant
from tenants.preferences.registry import Choices, SettingGroup, Shown, Values, group_register
from tenants.types import SESSION_DAYS_LIMIT


@cache
def timezone_choices() -> Choices:
    """Return the time zones a person may choose: a region and a place, or UTC."""
    named = sorted(name for name in zoneinfo.available_timezones() if "/" in name)
    return [("UTC", "UTC")] + [
        (name, name.replace("_", " "))
        for name in named
        if not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    ]


def language_choices() -> Choices:
    return [("", _("As each browser asks")), *settings.LANGUAGES]


class WorkspaceProfile(Values):
    """Name, clock and language of the workspace's pages."""

    key: ClassVar[str] = "workspace"

    name: Annotated[
        str,
        Field(min_length=1, max_length=120),
        Shown(_("Name"), _("Visitors see it in the chat unless the widget has a name of its own.")),
    ] = "Workspace"
    timezone: Annotated[
        str,
        Shown(_("Time zone"), _("In which pages show times."), "choice", choices=timezone_choices),
    ] = "UTC"
    language: Annotated[
        str, Shown(_("Language of these pages"), "", "choice", choices=language_choices)
    ] = ""

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        if value not in dict(timezone_choices()):
            raise ValueError("There is no such time zone.")
        return value

    @field_validator("language")
    @classmethod
    def _is_language(cls, value: str) -> str:
        if value not in dict(language_choices()):
            raise ValueError("This language is not on offer.")
        return value


class AccessRules(Values):
    """Who may bring people in, and how long someone stays signed in."""

    key: ClassVar[str] = "access"

    admins_add_people: Annotated[
        bool,
        Shown(
            _("Admins may change the team"),
            _("Otherwise only owners add people, change roles and remove someone."),
            "switch",
        ),
    ] = True
    session_days: Annotated[
        int,
        Field(ge=1, le=SESSION_DAYS_LIMIT),
        Shown(
            _("Days until people sign in again"),
            _("Counts for sign-ins from now on."),
            "number",
        ),
    ] = 14


def groups_register() -> None:
    """Register the groups; called once when the app is ready."""
    group_register(
        SettingGroup(
            WorkspaceProfile,
            _("Workspace"),
            _("What this workspace is called, and in which time and language it works."),
            order=10,
            read=_profile_read,
            write=_profile_write,
        )
    )
    group_register(
        SettingGroup(
            AccessRules,
            _("Access"),
            _("Who may change the team, and how long a sign-in lasts. Owners change this."),
            order=20,
            is_owners=True,
        )
    )


def _profile_read() -> Mapping[str, Any]:
    """Return the name from the tenant's row, where every page reads it."""
    name = Tenant.objects.filter(pk=tenancy.require().id).values_list("name", flat=True)
    return {"name": name.get()}


def _profile_write(values: Values) -> None:
    assert isinstance(values, WorkspaceProfile)
    Tenant.objects.filter(pk=tenancy.require().id).update(name=values.name)
