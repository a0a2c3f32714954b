"""Measure the detector on annotated texts: a JSON list as Presidio's research data has it.

Each item holds `full_text` and `spans` with `entity_type`, `start_position` and `end_position`
in characters. **Counted** are the types that a pattern, a check digit or a cue can decide:
CREDIT_CARD, PHONE_NUMBER, EMAIL_ADDRESS, US_SSN, IBAN_CODE, IP_ADDRESS, DOMAIN_NAME (also called
URL), DATE_TIME (with dates of birth) and US_DRIVER_LICENSE. PERSON, ADDRESS, ORGANIZATION and AGE
are found only where their surroundings give them away: reported under `in_context`, not counted.
LOCATION, TITLE, PREFIX and other types need a model and are not looked for.

A span is found when one of the same type shares more than half of the characters of both together.
`over_redaction` is the share of words outside every annotation, of whatever type, that any span of
the detector touches, dates and links included. Times are processor time of this process, so that
what else the machine does leaves them alone.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.privacy.detector import pii_find
from core.privacy.types import Kind, Span

COUNTED: Final = frozenset(
    {Kind.CREDIT_CARD, Kind.PHONE_NUMBER, Kind.EMAIL_ADDRESS, Kind.US_SSN, Kind.IBAN_CODE}
    | {Kind.IP_ADDRESS, Kind.DOMAIN_NAME, Kind.DATE_TIME, Kind.US_DRIVER_LICENSE}
)
IN_CONTEXT: Final = frozenset({Kind.PERSON, Kind.ADDRESS, Kind.ORGANIZATION, Kind.AGE})
_ALIASES = {
    "URL": "DOMAIN_NAME",
    "IBAN": "IBAN_CODE",
    "DATE": "DATE_TIME",
    "EMAIL": "EMAIL_ADDRESS",
}
_ALIASES |= {"STREET_ADDRESS": "ADDRESS", "ZIP_CODE": "ADDRESS", "DATE_OF_BIRTH": "DATE_TIME"}
_WORD = re.compile(r"\S+")
Interval = tuple[int, int, str]


class EvaluationFileInvalid(ValueError):
    """The file is not a list of annotated texts; the message says where."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text and where its personal data stand."""

    text: str
    spans: tuple[Interval, ...]
    template: str = ""


def samples_read(path: Path) -> list[Sample]:
    """Return the annotated texts; raises EvaluationFileInvalid."""
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationFileInvalid(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EvaluationFileInvalid(f"{path} is not JSON in UTF-8: {error}") from error
    if not isinstance(items, list) or not items:
        raise EvaluationFileInvalid(f"{path} has to be a list of annotated texts, not empty.")
    return [_sample(item, f"{path}, item {number}") for number, item in enumerate(items)]


def _sample(item: Any, where: str) -> Sample:
    if not isinstance(item, dict) or not isinstance(item.get("full_text"), str):
        raise EvaluationFileInvalid(f"{where}: `full_text` is missing or no text.")
    spans = item.get("spans")
    if not isinstance(spans, list):
        raise EvaluationFileInvalid(f"{where}: `spans` is missing or no list.")
    intervals = tuple(_interval(span, len(item["full_text"]), where) for span in spans)
    return Sample(item["full_text"], intervals, str(item.get("template_id", "")))


def _interval(span: Any, size: int, where: str) -> Interval:
    try:
        start, end, kind = span["start_position"], span["end_position"], span["entity_type"]
    except (TypeError, KeyError) as error:
        raise EvaluationFileInvalid(f"{where}: a span lacks {error}.") from error
    is_typed = type(start) is int and type(end) is int and isinstance(kind, str)
    if not is_typed or not 0 <= start <= end <= size:
        raise EvaluationFileInvalid(f"{where}: a span's positions are outside the text.")
    return start, end, _ALIASES.get(kind, kind)


def evaluate(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return precision, recall and F1 of the counted types, over-redaction and speed."""
    hits: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    touched = words = 0
    began = time.process_time()
    answers = [pii_find(sample.text) for sample in samples]
    seconds = time.process_time() - began
    for sample, spans in zip(samples, answers, strict=True):
        mine = [_as_interval(span) for span in spans]
        found.update(kind for _, _, kind in mine)
        wanted.update(kind for _, _, kind in sample.spans)
        hits.update(_matched(sample.spans, mine))
        outside, wrong = _outside(sample, mine)
        words, touched = words + outside, touched + wrong
    size = sum(len(sample.text.encode()) for sample in samples)
    return {
        **_rates(hits, found, wanted, COUNTED),
        "over_redaction": round(touched / words, 5) if words else 0.0,
        "mb_per_s": round(size / seconds / 1e6, 2),
        "texts": len(samples),
        "by_type": {kind: _rates(hits, found, wanted, {kind}) for kind in _seen(wanted, COUNTED)},
        "in_context": {
            kind: _rates(hits, found, wanted, {kind}) for kind in _seen(wanted, IN_CONTEXT)
        },
    }


def _as_interval(span: Span) -> Interval:
    return span.start, span.end, _ALIASES.get(span.kind, str(span.kind))


def _seen(wanted: Counter[str], kinds: Iterable[str]) -> list[str]:
    return sorted(str(kind) for kind in kinds if wanted[kind])


def _matched(gold: Iterable[Interval], mine: list[Interval]) -> list[str]:
    """Return the type of each annotation found, each span serving one."""
    free, matched = list(mine), []
    for start, end, kind in gold:
        for span in free:
            shared = min(end, span[1]) - max(start, span[0])
            union = max(end, span[1]) - min(start, span[0])
            if span[2] == kind and shared * 2 > union:
                matched.append(kind)
                free.remove(span)
                break
    return matched


def _rates(
    hits: Counter[str], found: Counter[str], wanted: Counter[str], kinds: Iterable[str]
) -> dict[str, float]:
    right, said, there = (sum(counts[kind] for kind in kinds) for counts in (hits, found, wanted))
    precision = right / said if said else 1.0
    recall = right / there if there else 1.0
    f1 = 2 * right / (said + there) if said + there else 1.0
    rounded = {"precision": precision, "recall": recall, "f1": f1}
    return {**{name: round(rate, 4) for name, rate in rounded.items()}, "annotated": there}


def _outside(sample: Sample, mine: list[Interval]) -> tuple[int, int]:
    """Return how many words stand outside all annotations, and how many of them are touched."""
    outside = [
        match.span() for match in _WORD.finditer(sample.text) if not _meets(match, sample.spans)
    ]
    touched = sum(any(start < e and s < end for s, e, _ in mine) for start, end in outside)
    return len(outside), touched


def _meets(word: re.Match[str], spans: Iterable[Interval]) -> bool:
    return any(start < word.end() and word.start() < end for start, end, _ in spans)


HOSTILE: Final = (
    "1", "1 ", "1-", "1.", "(1)", "+1 ", "+49 30 901820 ", "555-123-4567 ", "4111 1111 1111 1111 ",
    "4111111111111111 ", "123-45-6789 ", "call 5551234567 ", "a@", "@", "a@b.", "a.a@a.aa ", "a-",
    "http://", "www.", ":", "::", "a:", "1:1:", "a1:b2:", "GB69PMNJ18913943430745 ", "GB69",
    "ab12 ", "1/1/2000 ", "1.1.1.1 ", "name is A ", "Mr. A B C ", "A A ", "1 A ",
    "12 Ab Cd Ef Gh ", "A, ",
    "passport 1234567 ", "dni 1a2b3c ", "PO Box 1", "day", "monday ", "May 1, 1999 ", "Ltd A, ",
    "order phone card ssn ", "12345 ", "zip 12345 ",
    "[", "]", "-", "aaaaaaaa-", "x", "é", "0 0x", "1 A St", "1 A A A A ",
)  # fmt: skip


def hostile_milliseconds(size: int = 32 * 1024) -> tuple[float, str]:
    """Return the worst time of the hostile texts of that size, the best of three, and which."""
    return max((_best_of_three((part * size)[:size]), part) for part in HOSTILE)


def _best_of_three(text: str) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        pii_find(text)
        times.append((time.process_time() - began) * 1000)
    return min(times)
