"""Rebuild paragraphs, headings, lists and tables from positioned text.

A PDF knows no structure, so it is inferred: type size makes headings, distance between lines makes
paragraphs, text aligned below a row of columns makes tables, and what stands at the same place on
most pages is a running head.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from knowledge.extraction.blocks import Block, BlockKind, heading, item, paragraph, rows

_BULLET: Final = re.compile(r"^\s*(?:[•‣▪●◦·\u2013-]|\d{1,3}[.)])(?:\s+|$)")
_DIGITS: Final = re.compile(r"\d+")
_SENTENCE_END: Final = tuple(".!?:;")
# In units of the type size.
_COLUMN_GAP: Final = 1.2
_ROW_GAP: Final = 0.6
_HEADING_RATIO: Final = 1.07
_ALIGNMENT: Final = 4.0
_PARAGRAPH_PITCH: Final = 1.25
_HEADING_MAX: Final = 200
# The share of the text's height at either end in which running heads stand.
_MARGIN: Final = 0.04


@dataclass(frozen=True, slots=True)
class Segment:
    """Text in one font on one line, in PDF points, origin at the lower left."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float


@dataclass(frozen=True, slots=True)
class Line:
    """Cells of one visual line; running text is a line with a single cell."""

    cells: tuple[Segment, ...]

    @property
    def first(self) -> Segment:
        return self.cells[0]

    @property
    def text(self) -> str:
        return " ".join(cell.text.strip() for cell in self.cells)

    @property
    def size(self) -> float:
        return max(cell.size for cell in self.cells)


def pages_blocks(pages: Sequence[Sequence[Segment]]) -> Iterator[Block]:
    """Yield the document's blocks in reading order, each with its page number from 1."""
    cleaned = _running_heads_removed(pages)
    body = _body_size(cleaned)
    levels = _heading_levels(cleaned, body)
    previous: Block | None = None
    for number, segments in enumerate(cleaned, start=1):
        for block in _Page(number, body, levels).blocks(segments):
            if previous and _continues(previous, block):
                previous = replace(previous, text=f"{previous.text} {block.text}")
                continue
            if previous:
                yield previous
            previous = block
    if previous:
        yield previous


def _continues(previous: Block, block: Block) -> bool:
    """Tell whether a paragraph was only broken by the end of its page."""
    is_new_page = previous.page != block.page
    is_prose = block.kind is BlockKind.PARAGRAPH and previous.kind in {
        BlockKind.PARAGRAPH,
        BlockKind.ITEM,
    }
    is_open = not previous.text.endswith(_SENTENCE_END)
    return is_new_page and is_prose and is_open and block.text[:1].islower()


def _running_heads_removed(pages: Sequence[Sequence[Segment]]) -> list[list[Segment]]:
    """Drop what most pages repeat at their very top or bottom, page numbers included."""
    if len(pages) < 2:
        return [list(page) for page in pages]
    everything = [segment for page in pages for segment in page]
    high = max(segment.top for segment in everything)
    low = min(segment.bottom for segment in everything)
    margin = (high - low) * _MARGIN
    outer = [
        {_place(s) for s in page if s.top > high - margin or s.bottom < low + margin}
        for page in pages
    ]
    seen = Counter(place for page in outer for place in page)
    limit = max(2, (len(pages) + 1) // 2)
    repeated = {place for place, count in seen.items() if count >= limit}
    return [[segment for segment in page if _place(segment) not in repeated] for page in pages]


def _place(segment: Segment) -> tuple[str, int]:
    return _DIGITS.sub("0", segment.text.strip()), round(segment.bottom / 4)


def _body_size(pages: Iterable[Sequence[Segment]]) -> float:
    """Return the type size most characters are set in."""
    characters: Counter[float] = Counter()
    for page in pages:
        for segment in page:
            characters[round(segment.size, 1)] += len(segment.text)
    return characters.most_common(1)[0][0] if characters else 10.0


def _heading_levels(pages: Iterable[Sequence[Segment]], body: float) -> dict[float, int]:
    """Number the sizes above the body's, the largest first."""
    sizes = {round(segment.size, 1) for page in pages for segment in page}
    larger = sorted((size for size in sizes if size > body * _HEADING_RATIO), reverse=True)
    return {size: min(level, 6) for level, size in enumerate(larger, start=1)}


def lines_join(segments: Iterable[Segment]) -> list[Line]:
    """Join segments that follow each other on one line; a wide gap begins a new cell."""
    lines: list[list[Segment]] = []
    for segment in segments:
        last = lines[-1][-1] if lines else None
        if last is None or not _is_same_line(last, segment):
            lines.append([segment])
        elif segment.left - last.right > _COLUMN_GAP * segment.size and not _is_mark(last):
            lines[-1].append(segment)
        else:
            lines[-1][-1] = _merged(last, segment)
    return [Line(tuple(cells)) for cells in lines]


def _is_same_line(last: Segment, segment: Segment) -> bool:
    overlap = min(last.top, segment.top) - max(last.bottom, segment.bottom)
    height = min(last.top - last.bottom, segment.top - segment.bottom)
    return overlap > 0.3 * height and segment.left >= last.right - 1


def _is_mark(segment: Segment) -> bool:
    """Tell a bullet or number, which stands apart from its text but is no column."""
    return bool(_BULLET.fullmatch(segment.text.strip() + " "))


def _merged(last: Segment, segment: Segment) -> Segment:
    is_spaced = segment.left - last.right > 0.1 * segment.size or last.text.endswith(" ")
    text = f"{last.text.rstrip()}{' ' if is_spaced else ''}{segment.text.lstrip()}"
    return Segment(
        text,
        last.left,
        min(last.bottom, segment.bottom),
        segment.right,
        max(last.top, segment.top),
        max(last.size, segment.size),
    )


class _Page:
    """Turns one page's lines into blocks."""

    def __init__(self, number: int, body: float, levels: dict[float, int]) -> None:
        self.number = number
        self.body = body
        self.levels = levels
        self.open: list[Line] = []
        self.pitch = 0.0

    def blocks(self, segments: Sequence[Segment]) -> Iterator[Block]:
        lines = lines_join(segments)
        self.pitch = _line_pitch(lines) or self.body * 1.2
        index = 0
        while index < len(lines):
            table = _table_lines(lines[index:])
            if table:
                yield from self._flush()
                yield from rows(_table_cells(table), self.number)
                index += len(table)
            else:
                yield from self._line(lines[index])
                index += 1
        yield from self._flush()

    def _line(self, line: Line) -> Iterator[Block]:
        if self.open and self._begins_block(self.open[-1], line):
            yield from self._flush()
        self.open.append(line)

    def _begins_block(self, previous: Line, line: Line) -> bool:
        if _BULLET.match(line.text):
            return True
        if round(previous.size, 1) != round(line.size, 1):
            return True
        distance = previous.first.bottom - line.first.bottom
        usual = max(self.pitch, line.size * 1.1) if line.size <= self.body else line.size * 1.3
        return distance < 0 or distance > usual * _PARAGRAPH_PITCH

    def _flush(self) -> Iterator[Block]:
        if not self.open:
            return
        text = _lines_text(self.open)
        level = self.levels.get(round(self.open[0].size, 1), 0)
        self.open = []
        if level and len(text) <= _HEADING_MAX:
            yield heading(text, level, self.number)
        elif _BULLET.match(text):
            yield item(_BULLET.sub("", text, count=1), self.number)
        else:
            yield paragraph(text, self.number)


def _line_pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance between two lines of one paragraph."""
    distances = [
        above.first.bottom - below.first.bottom
        for above, below in pairwise(lines)
        if abs(above.size - below.size) < 0.1
    ]
    close = [distance for distance in distances if 0 < distance < 40]
    return median(close) if close else 0.0


def _lines_text(lines: Sequence[Line]) -> str:
    text = ""
    for line in lines:
        own = line.text.strip()
        if text.endswith("\x02"):  # pdfium's mark for a hyphen that only breaks the line
            text = text[:-1] + own
        elif text.endswith("-") and not text.endswith(" -"):
            text += own
        else:
            text = f"{text} {own}".strip()
    return text


def _table_lines(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of the table that begins here, or none.

    A table begins with a line of several cells and goes on while every cell is aligned with one
    of that line's columns and stays inside it.
    """
    header = lines[0]
    if len(header.cells) < 2:
        return []
    columns = [cell.left for cell in header.cells]
    found = [header]
    for line in lines[1:]:
        if line.size > header.size * _HEADING_RATIO or not _fits(line, columns):
            break
        found.append(line)
    has_second_row = any(len(line.cells) > 1 for line in found[1:]) or len(found) > len(columns)
    return found if has_second_row else []


def _fits(line: Line, columns: Sequence[float]) -> bool:
    for cell in line.cells:
        column = _column_of(cell, columns)
        if abs(cell.left - columns[column]) > _ALIGNMENT:
            return False
        if column + 1 < len(columns) and cell.right > columns[column + 1]:
            return False
    return True


def _column_of(cell: Segment, columns: Sequence[float]) -> int:
    return min(range(len(columns)), key=lambda index: abs(columns[index] - cell.left))


def _table_cells(lines: Sequence[Line]) -> list[list[str]]:
    """Gather wrapped cells into logical rows by the white space between rows."""
    columns = [cell.left for cell in lines[0].cells]
    cells = sorted((cell for line in lines for cell in line.cells), key=lambda cell: -cell.top)
    grid: list[list[Segment]] = []
    floor = 0.0
    for cell in cells:
        if not grid or floor - cell.top > _ROW_GAP * cell.size:
            grid.append([])
            floor = cell.bottom
        grid[-1].append(cell)
        floor = min(floor, cell.bottom)
    if len(grid) == 1:  # set so tightly that white space tells nothing
        return [[cell.text for cell in line.cells] for line in lines]
    return [_row_texts(row, columns) for row in grid]


def _row_texts(row: Sequence[Segment], columns: Sequence[float]) -> list[str]:
    texts: dict[int, list[str]] = defaultdict(list)
    for cell in sorted(row, key=lambda cell: -cell.top):
        texts[_column_of(cell, columns)].append(cell.text.strip())
    return [" ".join(texts[index]) for index in range(len(columns))]
