"""The form before the first message: what a workspace may ask, and how answers are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from conversations.texts import text_is_storable
from core.errors import ValidationFailed

FIELDS_LIMIT = 8
OPTIONS_LIMIT = 20
ANSWER_LENGTH = 500
EMAIL_LENGTH = 254
# Fields by which a customer goes; the answer becomes the customer's own.
NAME = "name"
Answer = str | bool
Option = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class FieldKind(StrEnum):
    """What a field takes; a consent must be given where it is required."""

    TEXT = "text"
    EMAIL = "email"
    SELECT = "select"
    CHECKBOX = "checkbox"
    CONSENT = "consent"


class FormField(BaseModel):
    """One field; its `id` names the answer and stays when the label changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    kind: FieldKind
    label: Annotated[str, Field(min_length=1, max_length=200)]
    required: bool = False
    options: Annotated[list[Option], Field(max_length=OPTIONS_LIMIT)] = []

    @field_validator("label", "options")
    @classmethod
    def _is_storable(cls, value: str | list[str]) -> str | list[str]:
        if not text_is_storable("".join(value)):
            raise ValueError("This has characters that are none.")
        return value

    @model_validator(mode="after")
    def _has_options(self) -> FormField:
        if (self.kind is FieldKind.SELECT) != bool(self.options):
            raise ValueError("A selection has options, and nothing else has.")
        if len(set(self.options)) < len(self.options):
            raise ValueError("Two options are the same.")
        return self


def fields_of(stored: Iterable[Mapping[str, Any]]) -> list[FormField]:
    """Return the fields that a widget's row holds."""
    return [FormField.model_validate(each) for each in stored]


def fields_to_ask(
    fields: Iterable[FormField], *, name: str, email: str, answers: Mapping[str, Any]
) -> list[FormField]:
    """Return the fields whose answer is not known yet.

    Known are a name, an address, and a consent to the same words; everything else is about the
    conversation at hand and asked again.
    """

    def is_known(field: FormField) -> bool:
        if field.kind is FieldKind.EMAIL:
            return bool(email)
        if field.kind is FieldKind.CONSENT:
            given = answers.get(field.id, {})
            return given.get("value") is True and given.get("label") == field.label
        return field.id == NAME and field.kind is FieldKind.TEXT and bool(name)

    return [field for field in fields if not is_known(field)]


def answers_check(fields: Sequence[FormField], given: Mapping[str, Any]) -> dict[str, Answer]:
    """Return the answers cleaned, those not given left out; raises ValidationFailed naming each."""
    known = {field.id: field for field in fields}
    faults = [
        _fault(name, "unknown_field", _("This is not asked.")) for name in given.keys() - known
    ]
    cleaned: dict[str, Answer] = {}
    for name, field in known.items():
        try:
            answer = _cleaned(field, given.get(name))
        except ValueError as error:
            faults.append(_fault(name, *error.args))
        else:
            if answer is not None:
                cleaned[name] = answer
    if faults:
        raise ValidationFailed(errors=faults)
    return cleaned


def _fault(name: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/answers/{name}", "code": code, "detail": detail}


def _cleaned(field: FormField, value: Any) -> Answer | None:
    """Return an answer, None where none is given; raises ValueError(code, detail)."""
    is_tick = field.kind in {FieldKind.CHECKBOX, FieldKind.CONSENT}
    if value is not None and not isinstance(value, bool if is_tick else str):
        raise ValueError("invalid", _("This is no answer to the question."))
    if is_tick:
        if field.required and value is not True:
            raise ValueError("required", _("Please agree to go on."))
        return value
    text = _text(str(value or ""))
    if not text:
        if field.required:
            raise ValueError("required", _("Please fill this in."))
        return None
    return _checked(field, text)


def _text(value: str) -> str:
    if len(value) > ANSWER_LENGTH:
        raise ValueError("too_long", _("This is too long."))
    if not text_is_storable(value):
        raise ValueError("invalid", _("This has characters that are none."))
    return value.strip()


def _checked(field: FormField, text: str) -> str:
    if field.kind is FieldKind.EMAIL:
        return email_check(text)
    if field.kind is FieldKind.SELECT and text not in field.options:
        raise ValueError("invalid_choice", _("Choose one of the options."))
    return text


def email_check(text: str) -> str:
    """Return an address as it is kept; raises ValueError(code, detail)."""
    try:
        validate_email(text)
    except DjangoValidationError:
        raise ValueError("invalid_email", _("This is no e-mail address.")) from None
    if len(text) > EMAIL_LENGTH:
        raise ValueError("too_long", _("This is too long."))
    return text
