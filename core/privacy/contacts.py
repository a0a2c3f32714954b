"""E-mail and network addresses, IBANs and links: what needs no context to be recognised.

Every scan looks for one character or literal and validates around it within a fixed width, and
goes on behind what it has read: time is linear in the text, whatever it holds.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from core.privacy.types import Kind, Span

_LOCAL = re.compile(r"[\w.%+\-']{1,64}")
_DOMAIN = re.compile(r"(?:[^\W_][\w\-]{0,62}\.){1,8}[^\W\d_]{2,24}(?![\w@])")
_URL = re.compile(r"(?:[hH][tT][tT][pP][sS]?|[fF][tT][pP])://[^\s<>\"'\]]{1,2048}")
_WWW = re.compile(r"[wW](?<![\w./][wW])[wW]{2}\.[^\s<>\"'\]]{3,2048}")
_IBAN = re.compile(r"[0-9](?<=[A-Za-z]{2}[0-9])[0-9](?=[ A-Za-z0-9]{11})")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*(?:\.[0-9]{1,3}){0,3}")
_HEX_TAIL = re.compile(r"[0-9A-Fa-f]{0,5}")
_MARKS = ".,;:!?)}*"
_LENGTHS = {
    length: frozenset(codes.split())
    for length, codes in {
        15: "NO",
        16: "BE",
        18: "DK FO FI GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
}
_IBAN_LENGTH = {code: length for length, codes in _LENGTHS.items() for code in codes}


def contacts_find(text: str) -> Iterator[Span]:
    """Yield e-mail addresses, links, IBANs and IPv6 addresses."""
    yield from _emails(text)
    yield from _links(text)
    yield from _ibans(text)
    if text.count(":") > 1:
        yield from _ipv6(text)


def _emails(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        local = _LOCAL.match(text[max(0, at - 64) : at][::-1]) if domain else None
        if domain and local:
            name = local.group().rstrip(".'-")
            if name:
                yield Span(at - len(name), domain.end(), Kind.EMAIL_ADDRESS)
        at = text.find("@", at + 1)


def _links(text: str) -> Iterator[Span]:
    if "://" in text:
        for match in _URL.finditer(text):
            yield from _link(match)
    for match in _WWW.finditer(text):
        yield from _link(match)


def _link(match: re.Match[str]) -> Iterator[Span]:
    found = match.group().rstrip(_MARKS)
    host = found.partition("://")[2] or found
    if "." in host[:255]:
        yield Span(match.start(), match.start() + len(found), Kind.DOMAIN_NAME)


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        length = _IBAN_LENGTH.get(text[start : start + 2].upper())
        if length is None or (start and text[start - 1].isalnum()):
            continue
        end = _end_after(text, start, length)
        if end and iban_is_valid(text[start:end]):
            yield Span(start, end, Kind.IBAN_CODE)


def _end_after(text: str, start: int, length: int) -> int | None:
    """Return where that many characters end, spaces not counted, unless a word goes on there."""
    end, left = start, length
    while left and end < len(text):
        left -= text[end] != " "
        end += 1
    goes_on = end < len(text) and text[end].isalnum()
    return None if left or goes_on else end


def iban_is_valid(iban: str) -> bool:
    """Say whether the check digits hold (ISO 7064, mod 97-10); spaces do not count."""
    compact = iban.replace(" ", "").upper()
    if not (compact.isascii() and compact.isalnum()):
        return False
    rotated = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in rotated)) % 97 == 1


def _ipv6(text: str) -> Iterator[Span]:
    for match in _COLONS.finditer(text):
        before = text[max(0, match.start() - 5) : match.start()][::-1]
        head = _HEX_TAIL.match(before)
        start = match.start() - (len(head.group()) if head else 0)
        has_word = start > 0 and text[start - 1].isalnum()
        end = match.end() - (text[match.end() - 1] == ":" and text[match.end() - 2] != ":")
        if end - start < 46 and not has_word and _is_ipv6(text[start:end]):
            yield Span(start, end, Kind.IP_ADDRESS)


def _is_ipv6(found: str) -> bool:
    if len(found) < 4 or not any(character.isalnum() for character in found):
        return False
    try:
        ipaddress.IPv6Address(found)
    except ValueError:
        return False
    return True
