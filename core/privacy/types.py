"""What a detector finds, and what a workspace says is never personal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a span is; names as in Presidio's research data, where it has them."""

    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    DOMAIN_NAME = "DOMAIN_NAME"
    IBAN_CODE = "IBAN_CODE"
    IP_ADDRESS = "IP_ADDRESS"
    CREDIT_CARD = "CREDIT_CARD"
    US_SSN = "US_SSN"
    US_DRIVER_LICENSE = "US_DRIVER_LICENSE"
    NATIONAL_ID = "NATIONAL_ID"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    DATE_TIME = "DATE_TIME"
    PHONE_NUMBER = "PHONE_NUMBER"
    ADDRESS = "ADDRESS"
    AGE = "AGE"
    PERSON = "PERSON"
    ORGANIZATION = "ORGANIZATION"


PRIORITY = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, in characters, its end outside."""

    start: int
    end: int
    kind: Kind


def _shape(mask: str) -> str:
    parts = {"#": "[0-9]", "@": "[A-Za-z]"}
    return "".join(parts.get(character, re.escape(character)) for character in mask)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Fields and shapes that are never redacted.

    A mask is the shape of a workspace's own numbers: `#` a digit, `@` a letter, all else itself.
    Masks have no repetition, so that no workspace can make detection slow.
    """

    fields: frozenset[str] = frozenset()
    masks: tuple[str, ...] = ()
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shapes: Iterable[str] = map(_shape, filter(None, self.masks))
        joined = "|".join(shapes)
        pattern = re.compile(rf"(?<!\w)(?:{joined})(?!\w)") if joined else None
        object.__setattr__(self, "_pattern", pattern)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the text has one of the shapes."""
        return [match.span() for match in self._pattern.finditer(text)] if self._pattern else []
