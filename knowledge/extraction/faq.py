"""Read a CSV of questions and answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from knowledge.errors import FaqMalformed
from knowledge.extraction.blocks import Block, Extracted, blocks_finish, heading, paragraph
from knowledge.extraction.decoding import text_decode

_QUESTIONS: Final = frozenset({"question", "questions", "q", "frage"})
_ANSWERS: Final = frozenset({"answer", "answers", "a", "antwort"})
_DELIMITERS: Final = ",;\t|"
MAX_CELL: Final = 100_000


def faq_extract(content: bytes) -> Extracted:
    """Return each question as a heading and its answer below; raises FaqMalformed."""
    csv.field_size_limit(MAX_CELL)
    try:
        return blocks_finish("", _blocks(text_decode(content)))
    except csv.Error as error:
        raise FaqMalformed(f"{FaqMalformed.title} The CSV cannot be read: {error}.") from error


def _blocks(text: str) -> Iterator[Block]:
    delimiter = _delimiter(text.split("\n", 1)[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip().lower() for name in next(reader, [])]
    question, answer = _column(header, _QUESTIONS), _column(header, _ANSWERS)
    for row in reader:
        if len(row) <= max(question, answer) or not row[answer].strip():
            continue
        yield heading(row[question], 2)
        yield paragraph(row[answer])


def _delimiter(first_line: str) -> str:
    return max(_DELIMITERS, key=first_line.count)


def _column(header: list[str], names: frozenset[str]) -> int:
    found = next((index for index, name in enumerate(header) if name in names), None)
    if found is None:
        raise FaqMalformed()
    return found
