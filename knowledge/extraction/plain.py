"""Read plain text: paragraphs, underlined headings, lists, and tables set in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from knowledge.extraction.blocks import (
    Block,
    Extracted,
    blocks_finish,
    heading,
    item,
    paragraph,
    rows,
    title_from,
)
from knowledge.extraction.decoding import text_decode

_UNDERLINE_LEVELS: Final = {"=": 1, "-": 2, "~": 3}
_UNDERLINE: Final = re.compile(r"\s{0,3}(=+|-+|~+)\s*")
_RULE: Final = re.compile(r"\s*[-=]{2,}(?:\s+[-=]{2,})+\s*")
_RULE_PART: Final = re.compile(r"[-=]{2,}")
_ITEM: Final = re.compile(r"\s*(?:[-*•\u2013]|\d{1,3}[.)])\s+")
_PAGE_BREAK: Final = re.compile(r"\f")


def plain_extract(content: bytes) -> Extracted:
    """Return the blocks of a plain text file."""
    text = _PAGE_BREAK.sub("\n\n", text_decode(content)).replace("\r\n", "\n").replace("\r", "\n")
    blocks = [block for group in _groups(text) for block in _group_blocks(group)]
    return blocks_finish(title_from(blocks), blocks)


def _groups(text: str) -> Iterator[list[str]]:
    """Split into runs of lines without a blank one between."""
    group: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            group.append(line.expandtabs(4).rstrip())
        elif group:
            yield group
            group = []
    if group:
        yield group


def _group_blocks(lines: list[str]) -> Iterator[Block]:
    if len(lines) >= 2 and _is_underline(lines[0], lines[1]):
        level = _UNDERLINE_LEVELS[lines[1].strip()[0]]
        yield heading(lines[0], level)
        if lines[2:]:
            yield from _group_blocks(lines[2:])
    elif len(lines) >= 3 and _RULE.fullmatch(lines[1]):
        yield from rows(_columns_cut(lines))
    elif any(_ITEM.match(line) for line in lines):
        yield from _items(lines)
    else:
        yield paragraph(" ".join(lines))


def _is_underline(text: str, line: str) -> bool:
    """Tell an underlined heading from a rule: the line is about as long as the text."""
    return bool(_UNDERLINE.fullmatch(line)) and abs(len(line.strip()) - len(text.strip())) <= 2


def _columns_cut(lines: list[str]) -> list[list[str]]:
    """Cut each line where the rule below the header says columns begin."""
    starts = [match.start() for match in _RULE_PART.finditer(lines[1])]
    edges = [*pairwise(starts), (starts[-1], None)]
    return [[line[begin:end] for begin, end in edges] for line in (lines[0], *lines[2:])]


def _items(lines: list[str]) -> Iterator[Block]:
    """Join continuation lines to their item; what stands before the first item is a paragraph."""
    current: list[str] = []
    is_item = False
    for line in lines:
        if _ITEM.match(line):
            if current:
                yield _joined(current, is_item)
            current, is_item = [_ITEM.sub("", line, count=1)], True
        else:
            current.append(line)
    if current:
        yield _joined(current, is_item)


def _joined(lines: list[str], is_item: bool) -> Block:
    text = " ".join(lines)
    return item(text) if is_item else paragraph(text)
