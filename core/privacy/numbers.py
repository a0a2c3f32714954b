"""Numbers of people: cards, national ids, telephones, dates, IPv4 addresses.

One scan cuts the text into runs of digits and the marks people put between them; only runs are
looked at closer, with patterns of bounded width. What a number is announced as decides between
what it could be: an order number that happens to pass a card's check digit stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import phonenumbers
from stdnum import luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.us import ssn

from core.privacy.context import Cue, cue_before
from core.privacy.types import Kind, Span

_RUN = re.compile(r"[+(0-9][0-9 ().\-/:+T]*")
_CANDIDATE = re.compile(
    r"(?<![\w])(?<![\w][.,/\-])(?:"
    r"(?P<date>[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|[0-9]{1,2}(?P<s>[/.\-])[0-9]{1,2}(?P=s)(?:[0-9]{4}|[0-9]{2}))(?![\w]|[/.\-][0-9])"
    r"|(?P<ip>(?:[0-9]{1,3}\.){3}[0-9]{1,3})(?![\w]|\.[0-9])"
    r"|(?P<card>[0-9]{4}(?P<c>[ \-])[0-9]{4}(?P=c)[0-9]{4}(?P=c)[0-9]{4}"
    r"|3[0-9]{3}(?P<a>[ \-])[0-9]{6}(?P=a)[0-9]{5}|[0-9]{13,19})(?![\w]|-[0-9])"
    r"|(?P<ssn>[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4})(?![\w]|-[0-9])"
    r"|(?P<phone>(?:\+|\(\+?|00)?[0-9](?:[ ./\-]?[()]?[ ./\-]?[0-9]){5,15})"
    r"(?:(?: ?x| ?ext\.? ?)[0-9]{1,6})?(?![\w]|[.\-][0-9])"
    r")"
)
_NANP = re.compile(r"(?:(?:\+1|001|1)[ .\-])?(?:\([0-9]{3}\) ?|[0-9]{3}[.\-])[0-9]{3}[.\-][0-9]{4}")
_TRUNK = re.compile(r"\(?0[0-9]{1,4}\)?[ \-/][0-9 \-/]{5,14}")
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9./]{0,4}[0-9](?:[ .\-]?[A-Za-z0-9]){4,15}")
_LICENSE = re.compile(r"[A-Za-z]{0,2}[0-9][A-Za-z0-9]{5,15}(?!\w)")
_ANNOUNCED = re.compile(
    r"\b(licen[cs]e|passport|national id|nino|national insurance|nir|pesel|bsn|cpf|dni|nie"
    r"|aadhaar|codice fiscale|hetu|steuer-id|tax id)"
    r"(?: (?:number|no\.?|nr\.?|#|code))?(?: is| was)?(?: ?[:=#])? {1,2}",
    re.IGNORECASE,
)
_NAMES = (
    *[
        "licen",
        "passport",
        "national",
        "nino",
        "nir",
        "pesel",
        "bsn",
        "cpf",
        "dni",
        "nie",
        "aadhaar",
        "fiscale",
        "hetu",
        "steuer",
    ],
    "tax id",
)
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z]{2}[0-9]{6}[A-D]", re.IGNORECASE)
_PASSPORT = re.compile(r"[A-Za-z]{0,2}[0-9]{6,9}[A-Za-z]?")
_VALIDATORS: dict[str, Callable[[str], bool]] = {
    "aadhaar": aadhaar.is_valid,
    "bsn": bsn.is_valid,
    "codice fiscale": codicefiscale.is_valid,
    "cpf": cpf.is_valid,
    "dni": dni.is_valid,
    "hetu": hetu.is_valid,
    "nie": nie.is_valid,
    "nir": nir.is_valid,
    "pesel": pesel.is_valid,
    "steuer-id": idnr.is_valid,
}
# An area code in brackets, and what is said behind a number of a signature: "22 498 317 office".
_AREA = re.compile(r"\([0-9]{1,4}\)[ -]?[0-9]{2,5}(?:[ -][0-9]{2,5}){0,2}")
_CALLED = re.compile(
    r"[ \-,(]{0,3}(?:office|fax|mobile|cell|home|work|phone|tel|direct)\b", re.IGNORECASE
)
_DIGITS = re.compile(r"[0-9]")


def numbers_find(text: str) -> Iterator[Span]:
    """Yield what runs of digits are found to be."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= 6:
            yield from _run_read(text, run.start(), run.end())


def _run_read(text: str, start: int, end: int) -> Iterator[Span]:
    """Read a run; a telephone's extension may lie behind its end."""
    place = start
    while match := _CANDIDATE.search(text, place, min(len(text), end + 12)):
        if match.start() >= end:
            return
        kind = _JUDGES[str(match.lastgroup)](text, match)
        if kind:
            yield Span(match.start(), match.end(), kind)
        place = match.end()


def _date(text: str, match: re.Match[str]) -> Kind | None:
    parts = [int(part) for part in re.split(r"[-/. T:]", match.group("date"))[:3]]
    year = max(parts) if max(parts) > 31 else parts[-1]
    rest = sorted(part for part in parts if part != year) or [0]
    if rest[0] > 12 or rest[0] < 1 or rest[-1] > 31 or not (year < 100 or 1850 < year < 2150):
        return None
    cue = cue_before(text, match.start())
    if cue is Cue.VERSION or ("." in match.group() and cue is Cue.BUSINESS):
        return None
    return Kind.DATE_OF_BIRTH if cue is Cue.BIRTH else Kind.DATE_TIME


def _ip(text: str, match: re.Match[str]) -> Kind | None:
    if any(int(part) > 255 for part in match.group().split(".")):
        return None
    cue = cue_before(text, match.start())
    return None if cue in (Cue.VERSION, Cue.BUSINESS) else Kind.IP_ADDRESS


def _card(text: str, match: re.Match[str]) -> Kind | None:
    digits = _digits(match.group())
    if not luhn.is_valid(digits):
        return None
    cue = cue_before(text, match.start())
    if cue in (Cue.BUSINESS, Cue.VERSION):
        return None
    return Kind.CREDIT_CARD if _is_issued(digits) or cue is Cue.CARD else None


def _is_issued(digits: str) -> bool:
    """Say whether a card network has numbers that begin so and are so long."""
    first, size = int(digits[:4]), len(digits)
    if first // 1000 == 4:
        return size in (13, 16, 19)
    if first // 100 in (34, 37):
        return size == 15
    if first // 100 in (30, 36, 38, 39):
        return size == 14
    is_series = 51 <= first // 100 <= 55 or 2221 <= first <= 2720 or 3528 <= first <= 3589
    return size == 16 and (is_series or first == 6011 or first // 10 in range(644, 660))


def _ssn(text: str, match: re.Match[str]) -> Kind | None:
    cue = cue_before(text, match.start())
    if cue is Cue.BUSINESS or not ssn.is_valid(_digits(match.group())):
        return None
    return Kind.US_SSN if "-" in match.group() or cue is Cue.SSN else None


def _phone(text: str, match: re.Match[str]) -> Kind | None:
    cue = cue_before(text, match.start())
    number = match.group("phone")
    digits = _digits(number)
    if cue is Cue.SSN:
        return Kind.US_SSN if len(digits) == 9 and ssn.is_valid(digits) else None
    if cue in (Cue.BUSINESS, Cue.VERSION, Cue.LICENSE, Cue.CARD, Cue.IDENTITY):
        return None
    if number.startswith("+"):
        return Kind.PHONE_NUMBER if _is_international(digits) else None
    is_shaped = any(shape.fullmatch(number) for shape in (_NANP, _TRUNK, _AREA))
    is_called = cue is Cue.PHONE or bool(_CALLED.match(text, match.end()))
    is_announced = is_called and (len(digits) > 6 or not number.isdigit())
    return Kind.PHONE_NUMBER if is_shaped or is_announced else None


def _is_international(digits: str) -> bool:
    """Say whether a region has that calling code and numbers that long."""
    for width in (1, 2, 3):
        code = int(digits[:width])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return len(digits) - width in _lengths(code)
    return False


@cache
def _lengths(code: int) -> frozenset[int]:
    """Return how long numbers of a calling code may be, a national zero in brackets included."""
    lengths: set[int] = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        if metadata is not None and metadata.general_desc is not None:
            lengths.update(metadata.general_desc.possible_length)
    return frozenset(lengths | {length + 1 for length in lengths})


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


_JUDGES: dict[str, Callable[[str, re.Match[str]], Kind | None]] = {
    "date": _date,
    "ip": _ip,
    "card": _card,
    "ssn": _ssn,
    "phone": _phone,
}


def identities_find(text: str) -> Iterator[Span]:
    """Yield national ids and licences that are announced as such."""
    lowered = text.lower()
    if not any(name in lowered for name in _NAMES):
        return
    for announced in _ANNOUNCED.finditer(text):
        name = announced.group(1).lower()
        is_license = name.startswith("licen")
        found = (_LICENSE if is_license else _IDENTITY).match(text, announced.end())
        if found and (is_license or _is_identity(name, found.group())):
            kind = Kind.US_DRIVER_LICENSE if is_license else Kind.NATIONAL_ID
            yield Span(found.start(), found.end(), kind)


def _is_identity(name: str, number: str) -> bool:
    """Ask the check digits of the id that is named; of others, the shape."""
    if name in _VALIDATORS:
        return _VALIDATORS[name](number)
    compact = re.sub(r"[ .\-]", "", number)
    return bool(_NINO.fullmatch(compact) or _PASSPORT.fullmatch(compact))
