"""Names, addresses, ages, organisations and days, as far as their surroundings give them away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from core.privacy.context import Cue, cue_before
from core.privacy.types import Kind, Span

_NAME = r"[^\W\d_][^\W\d_]{0,24}(?:['\u2019\-][^\W\d_]{1,24})?"
_NAMES = re.compile(rf"{_NAME}(?: (?:van |de |der |von |di |la ){{0,2}}{_NAME}){{0,2}}")
_INTRODUCED = re.compile(
    r"(?:\b[nN]ame is|\b[Nn]ame:|\b[Mm]rs?\.|\b[Mm]s\.|\b[Dd]r\.|\bMiss|\b[Hh]i|\b[Hh]ello"
    r"|\b[Dd]ear|\b[Rr]egards,|\bSincerely,|\b[Tt]his is|\b[Ii]'m|\bI am|\b[Nn]amed)[ \n]{1,4}"
)
_COMMON_WORDS = (
    "the a an there all team sir madam support everyone guys bot not in on at from very so "
    "just incorrect wrong right correct misspelled spelled it to no my your this that is was "
    "for and still going trying looking having interested happy unable sorry sure here with "
    "about again thanks thank customer service folks frontdesk i we they you hi hello monday "
    "tuesday wednesday thursday friday saturday sunday "
)
_COMMON = frozenset(_COMMON_WORDS.split())
_STREET = re.compile(
    r"[0-9](?<![\w][0-9])[0-9]{0,4}[A-Za-z]?,? (?:[^\W_][\w.'\-]{0,20} ){1,4}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl"
    r"|Square|Terrace|Close|Crescent|Parkway|Highway)\b\.?",
)
_UNIT = re.compile(
    r"(?:\b[Pp]\.?[Oo]\.? [Bb]ox|\b[Aa]pt\.?|\b[Ss]uite|\bPSC|\bAPO A[AEP]|\bFPO A[AEP])"
    r" #?[0-9]{1,6}(?:, Box [0-9]{1,6})?"
)
_ZIP = re.compile(
    r"(?:[zZ]ip|ZIP|[pP]ostal|[pP]ost|PLZ) ?(?:[cC]ode)?(?: is|:)? {1,2}"
    r"([0-9]{5}(?:-[0-9]{4})?)(?![\w\-])"
)
_AGE = re.compile(r"[0-9](?<![\w.][0-9])[0-9]{0,2}(?=[ \-]years?[ \-]old\b)")
_COMPANY = re.compile(r"(?:Ltd|Inc|LLC|GmbH|PLC|Corp|S\.A|B\.V)(?!\w)\.?")
_MONTH = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\.? (?:[0-9]{1,2}(?:st|nd|rd|th)?,? )?"
    r"(?:1[89]|20)[0-9]{2}(?!\w)"
)
_DAY_BEFORE = re.compile(r"(?<!\w)[0-9]{1,2}(?:st|nd|rd|th)? (?:of )?$")
_DAY = re.compile(r"[dD][aA][yY](?!\w)")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def people_find(text: str) -> Iterator[Span]:
    """Yield persons, addresses, ages, organisations and days."""
    yield from _persons(text)
    yield from _addresses(text)
    yield from _days(text)
    for match in _AGE.finditer(text):
        yield Span(match.start(), match.end(), Kind.AGE)
    for match in _COMPANY.finditer(text):
        yield from _company(text, match)


def _company(text: str, match: re.Match[str]) -> Iterator[Span]:
    """Yield a company's name with its legal form: up to three words that begin with capitals."""
    before = text[max(0, match.start() - 80) : match.start()]
    words = before.split(" ")[:-1] if before.endswith(" ") else []
    name = list(takewhile(lambda word: word[:1].isupper(), reversed(words[-3:])))
    if name:
        start = match.start() - sum(len(word) + 1 for word in name)
        yield Span(start, match.end(), Kind.ORGANIZATION)


def _persons(text: str) -> Iterator[Span]:
    for cue in _INTRODUCED.finditer(text):
        found = _NAMES.match(text, cue.end())
        words = _name_words(found.group()) if found else []
        if words:
            end = cue.end() + len(" ".join(words))
            yield Span(cue.end(), end, Kind.PERSON)


def _name_words(found: str) -> list[str]:
    """Return the words of a name, which begin with capitals except for particles."""
    words: list[str] = []
    for word in found.split(" "):
        is_particle = bool(words) and word in ("van", "de", "der", "von", "di", "la")
        if word.lower() in _COMMON or not (word[0].isupper() or is_particle):
            break
        words.append(word)
    while words and not words[-1][0].isupper():
        words.pop()
    return words


def _addresses(text: str) -> Iterator[Span]:
    for pattern in (_STREET, _UNIT):
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), Kind.ADDRESS)
    for match in _ZIP.finditer(text):
        yield Span(*match.span(1), Kind.ADDRESS)


def _days(text: str) -> Iterator[Span]:
    for match in _DAY.finditer(text):
        start = max(0, match.start() - 6)
        before = text[start : match.end()].lower()
        name = next((day for day in _DAYS if before.endswith(day)), None)
        begin = match.end() - len(name) if name else 0
        if name and not (begin and text[begin - 1].isalnum()):
            yield Span(begin, match.end(), Kind.DATE_TIME)
    for match in _MONTH.finditer(text):
        yield _month(text, match)


def _month(text: str, match: re.Match[str]) -> Span:
    near = max(0, match.start() - 12)
    day = _DAY_BEFORE.search(text[near : match.start()])
    start = near + day.start() if day else match.start()
    is_birth = cue_before(text, start) is Cue.BIRTH
    return Span(start, match.end(), Kind.DATE_OF_BIRTH if is_birth else Kind.DATE_TIME)
