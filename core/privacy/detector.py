"""Find personal data in text, and take it out: the one door for all text that leaves.

Linear in the text. What a workspace allows (`AllowList`), UUIDs and order numbers that say so
stay. Days, dates that are nobody's birthday, links and organisations are found, but not taken out
unless asked for: an answer about a delivery date is no answer without the date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from core.privacy.contacts import contacts_find
from core.privacy.numbers import identities_find, numbers_find
from core.privacy.people import people_find
from core.privacy.types import PRIORITY, AllowList, Kind, Span

REDACTED: Final = frozenset(Kind) - {Kind.DATE_TIME, Kind.DOMAIN_NAME, Kind.ORGANIZATION}
NO_ALLOWANCE: Final = AllowList()
_PASSES: Final = 3
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def pii_find(text: str, *, allow: AllowList = NO_ALLOWANCE) -> list[Span]:
    """Return what is found, in order, spans never overlapping."""
    taken = bytearray(len(text))
    for start, end in [*allow.spans(text), *_uuids(text)]:
        taken[start:end] = b"\1" * (end - start)
    certain = _chosen(contacts_find(text), taken)
    rest = _hidden(text, certain)
    found = [*numbers_find(rest), *identities_find(rest), *people_find(rest)]
    return sorted([*certain, *_chosen(found, taken)], key=lambda span: span.start)


def redact(text: str, *, kinds: frozenset[Kind] = REDACTED, allow: AllowList = NO_ALLOWANCE) -> str:
    """Return the text with each span of these kinds replaced by its kind in brackets. Idempotent.

    What stands between placeholders can read differently without its neighbour, so the result is
    read again, three times at most.
    """
    for _ in range(_PASSES):
        spans = [span for span in pii_find(text, allow=allow) if span.kind in kinds]
        if not spans:
            break
        text = _replaced(text, spans)
    return text


def _uuids(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _UUID.finditer(text)] if text.count("-") > 3 else []


def _chosen(found: Iterable[Span], taken: bytearray) -> list[Span]:
    """Return the spans that keep clear of what is taken and of each other, surest kinds first."""
    chosen = []
    for span in sorted(found, key=lambda span: (PRIORITY[span.kind], span.start)):
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            chosen.append(span)
    return chosen


def _hidden(text: str, spans: list[Span]) -> str:
    """Return the text as long as before, with brackets over the spans: they are no context."""
    pieces, place = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        pieces += [text[place : span.start], "]" * (span.end - span.start)]
        place = span.end
    return "".join([*pieces, text[place:]])


def _replaced(text: str, spans: list[Span]) -> str:
    pieces, place = [], 0
    for span in spans:
        pieces += [text[place : span.start], f"[{span.kind}]"]
        place = span.end
    return "".join([*pieces, text[place:]])
