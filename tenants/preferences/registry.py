"""The groups of settings that apps register, and how their values are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import structlog
from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from core.errors import ValidationFailed
from tenants.errors import SettingGroupUnknown

Text = str | Promise
Choices = Sequence[tuple[str, Text]]
V = TypeVar("V", bound="Values")
log = structlog.get_logger(__name__)


class Values(BaseModel):
    """The values of a group: a subclass names its `key`, and gives every field a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)
    key: ClassVar[str]

    @field_validator("*")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        """Refuse what no JSON column can hold: NUL and lone surrogates."""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any(
                c == "\x00" or "\ud800" <= c <= "\udfff" for c in text
            ):
                raise ValueError("This has characters that are none.")
        return value


@dataclass(frozen=True, slots=True)
class Shown:
    """How the page shows a field; stands in its `Annotated`. `control` is how it is entered."""

    label: Text
    help: Text = ""
    control: str = "text"  # text | number | switch | choice | lines
    choices: Callable[[], Choices] | None = None


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """A registered group.

    `read` gives the fields that are kept elsewhere (a column that other code reads), `write`
    stores them there, in the transaction of the change. `page` is the URL name of a page of its
    own. Only an owner changes a group of `is_owners`.
    """

    model: type[Values]
    label: Text
    description: Text
    order: int = 100
    is_owners: bool = False
    page: str = ""
    read: Callable[[], Mapping[str, Any]] | None = None
    write: Callable[[Values], None] | None = None

    @property
    def key(self) -> str:
        return self.model.key


_groups: dict[str, SettingGroup] = {}


def group_register(group: SettingGroup) -> None:
    """Add or replace a group; called in `AppConfig.ready()`."""
    _groups[group.key] = group


def group_get(key: str) -> SettingGroup:
    """Return a group; raises SettingGroupUnknown."""
    if key not in _groups:
        raise SettingGroupUnknown()
    return _groups[key]


def group_list() -> list[SettingGroup]:
    """Return all groups in their order on the page."""
    return sorted(_groups.values(), key=lambda group: (group.order, group.key))


def shown_of(group: SettingGroup, field: str) -> Shown:
    """Return how a field is shown; one without `Shown` goes by its name."""
    found = [part for part in group.model.model_fields[field].metadata if isinstance(part, Shown)]
    return found[0] if found else Shown(field.replace("_", " ").capitalize())


def values_check(model: type[V], values: Mapping[str, Any]) -> V:
    """Return the values as the model; raises ValidationFailed naming each fault."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = [
            {
                "pointer": "/values/" + "/".join(str(part) for part in fault["loc"]),
                "code": "unknown_field" if fault["type"] == "extra_forbidden" else fault["type"],
                "detail": fault["msg"].removeprefix("Value error, "),
            }
            for fault in error.errors(include_url=False, include_input=False)
        ]
    raise ValidationFailed(errors=faults)


def values_restore(model: type[V], stored: Mapping[str, Any]) -> V:
    """Return stored values as the model of today.

    What it no longer knows or accepts falls back to its default: older values stay readable.
    """
    known = {name: value for name, value in stored.items() if name in model.model_fields}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        faulty = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
    log.warning("setting.no_longer_valid", group=model.key, fields=sorted(faulty))
    return model.model_validate({name: v for name, v in known.items() if name not in faulty})
