"""Settings of support: when the team is there, and how conversations find one of it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints, field_validator

from conversations.hours import OfficeHours, holidays_parse, week_parse
from tenants.preferences import Shown, Values, values_for
from tenants.preferences.groups import WorkspaceProfile
from tenants.preferences.registry import Choices

Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def mode_choices() -> Choices:
    """Return how conversations find an agent."""
    return [
        ("manual", _("People claim what they take")),
        ("round_robin", _("In turn, to who has room")),
    ]


class SupportHours(Values):
    """When people of the team answer, in the workspace's time zone."""

    key: ClassVar[str] = "hours"

    hours: Annotated[
        list[Line],
        Field(max_length=30),
        Shown(
            _("Office hours"),
            _("One line for each, such as “mon-fri 09:00-17:00”. None means always."),
            "lines",
        ),
    ] = []
    holidays: Annotated[
        list[Line],
        Field(max_length=200),
        Shown(_("Holidays"), _("One day on each line, such as 2026-12-25."), "lines"),
    ] = []

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: list[str]) -> list[str]:
        week_parse(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _are_days(cls, value: list[str]) -> list[str]:
        return sorted(day.isoformat() for day in holidays_parse(value))


class AssignmentRules(Values):
    """How conversations that wait find one of the team."""

    key: ClassVar[str] = "assignment"

    mode: Annotated[
        Literal["manual", "round_robin"],
        Shown(_("Who waits gets a person"), "", "choice", choices=mode_choices),
    ] = "manual"
    capacity: Annotated[
        int,
        Field(ge=1, le=100),
        Shown(
            _("Conversations at once"),
            _("How many somebody has by assignment; each of the team may have another number."),
            "number",
        ),
    ] = 5
    notify_minutes: Annotated[
        int,
        Field(ge=0, le=1_440),
        Shown(
            _("Minutes until the team is told of who waits"),
            _("By mail and Slack, to whom Notifications says; 0 means at once."),
            "number",
        ),
    ] = 1
    answer_minutes: Annotated[
        int,
        Field(ge=0, le=1_440),
        Shown(
            _("Minutes until somebody else answers"),
            _(
                "A visitor whom their agent has not answered for so long, in office hours, goes "
                "back to the head of the queue, and the agent is set to away. 0 means never."
            ),
            "number",
        ),
    ] = 15


def office_hours() -> OfficeHours:
    """Return the current tenant's office hours."""
    support = values_for(SupportHours)
    return OfficeHours(
        zone=ZoneInfo(values_for(WorkspaceProfile).timezone),
        week=week_parse(support.hours),
        holidays=holidays_parse(support.holidays),
    )
