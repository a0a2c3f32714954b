"""Settings of conversations: how the widget looks, where it may appear, how long visitors stay."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext_lazy as _
from pydantic import Field, StringConstraints, field_validator

from conversations.asking import FIELDS_LIMIT, FormField
from conversations.errors import OriginInvalid
from conversations.origins import origin_normalise
from tenants.preferences import Shown, Values

ACCENT = "#2563eb"
Question = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Origin = Annotated[str, StringConstraints(max_length=200)]


class WidgetLook(Values):
    """Where the widget may appear and how it looks; kept in the widget's own row."""

    key: ClassVar[str] = "widget"

    title: Annotated[str, Field(max_length=80), Shown(_("Name in the header"))] = ""
    greeting: Annotated[str, Field(max_length=300), Shown(_("Greeting"))] = ""
    accent: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), Shown(_("Colour"))] = ACCENT
    suggestions: Annotated[
        list[Question], Field(max_length=20), Shown(_("Suggested questions"))
    ] = []
    theme: Annotated[Literal["auto", "light", "dark"], Shown(_("Light or dark"))] = "auto"
    allowed_origins: Annotated[
        list[Origin], Field(max_length=50), Shown(_("Sites that may show the chat"))
    ] = []

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        try:
            return sorted({origin_normalise(origin) for origin in value})
        except OriginInvalid as error:
            raise ValueError(str(error.detail)) from None


class WidgetVisitors(Values):
    """What visitors are asked, and who may say who they are; kept in the widget's own row."""

    key: ClassVar[str] = "widget_visitors"

    form: Annotated[
        list[FormField], Field(max_length=FIELDS_LIMIT), Shown(_("Form before the first message"))
    ] = []
    asks_rating: Annotated[bool, Shown(_("Ask for a rating"))] = True
    requires_identity: Annotated[bool, Shown(_("Only signed tokens name visitors"))] = False

    @field_validator("form")
    @classmethod
    def _has_each_once(cls, value: list[FormField]) -> list[FormField]:
        if len({each.id for each in value}) < len(value):
            raise ValueError("Two fields have the same id.")
        return value


class VisitorRules(Values):
    """How long a visitor is remembered."""

    key: ClassVar[str] = "visitors"

    remembered_days: Annotated[
        int,
        Field(ge=1, le=365),
        Shown(
            _("Days a visitor is remembered"),
            _(
                "Whoever comes back within them finds the conversation again. "
                "A smaller number also counts for visitors of before."
            ),
            "number",
        ),
    ] = 30
