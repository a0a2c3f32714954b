"""The line of a message in which searched words stand."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

BEFORE: Final = 60
LENGTH: Final = 200

Spans = tuple[tuple[int, int], ...]


def words_pattern(words: Set[str]) -> re.Pattern[str]:
    """Return what finds words that begin with one of these; they have letters and digits alone."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(longest_first)})[^\W_]*", re.IGNORECASE)


def excerpt_of(text: str, pattern: re.Pattern[str]) -> tuple[str, Spans]:
    """Return one line of the text around its first match, and where the matches are in it."""
    line = " ".join(text.split())
    first = pattern.search(line)
    start = _word_start(line, first.start() - BEFORE) if first else 0
    end = start + LENGTH
    excerpt = ("… " if start else "") + line[start:end] + (" …" if end < len(line) else "")
    return excerpt, tuple(found.span() for found in pattern.finditer(excerpt))


def _word_start(line: str, place: int) -> int:
    """Return where a word begins at or after a place, 0 for one before the line."""
    return 0 if place <= 0 else line.find(" ", place) + 1


def parts_of(excerpt: str, marks: Spans) -> list[tuple[str, bool]]:
    """Return the excerpt in pieces, each with whether it is a match."""
    pieces, at = [], 0
    for start, end in marks:
        pieces += [(excerpt[at:start], False), (excerpt[start:end], True)]
        at = end
    return [piece for piece in (*pieces, (excerpt[at:], False)) if piece[0]]
