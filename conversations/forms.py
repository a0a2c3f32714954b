"""What the inbox's forms and the widget's calls may contain."""

from __future__ import annotations

from typing import TypeVar

from django import forms
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.types import TEXT_LIMIT
from core.errors import ValidationFailed

Body = TypeVar("Body", bound=BaseModel)


class ReplyForm(forms.Form):
    """What an agent says; the client id makes sending it twice harmless."""

    text = forms.CharField(
        max_length=TEXT_LIMIT, error_messages={"required": _("Write something first.")}
    )
    client_id = forms.RegexField(r"^[A-Za-z0-9._:-]{1,64}$")

    def require(self) -> dict[str, str]:
        """Return the cleaned values; raises ValidationFailed with the first fault as its detail."""
        if self.is_valid():
            return {"text": self.cleaned_data["text"], "client_id": self.cleaned_data["client_id"]}
        faults = [
            {"pointer": f"/{field}", "code": str(fault["code"]), "detail": str(fault["message"])}
            for field, found in self.errors.get_json_data().items()
            for fault in found
        ]
        raise ValidationFailed(faults[0]["detail"], errors=faults)


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
