"""The common shape of every extracted document: a title and a sequence of blocks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MAX_CHARACTERS: Final = 4_000_000
MAX_BLOCKS: Final = 100_000
_SPACES: Final = re.compile(r"\s+")
# Postgres stores no NUL, and no reader wants control, private-use or zero-width characters.
_REMOVED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u200b\ufeff\u00ad\ue000-\uf8ff]"
)


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item or table row; `level` counts for headings, from 1."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file says; `title` is empty when it names itself nowhere."""

    title: str
    blocks: tuple[Block, ...]

    def to_wire(self) -> dict[str, Any]:
        """Return JSON-ready data for the way from the child process."""
        blocks = [[block.kind.value, block.text, block.level, block.page] for block in self.blocks]
        return {"title": self.title, "blocks": blocks}

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Extracted:
        """Rebuild what `to_wire` gave."""
        blocks = (
            Block(BlockKind(kind), text, level, page) for kind, text, level, page in data["blocks"]
        )
        return cls(data["title"], tuple(blocks))


def text_clean(text: str) -> str:
    """Return the text composed (NFC), without control characters, runs of space made one."""
    composed = unicodedata.normalize("NFC", text)
    return _SPACES.sub(" ", _REMOVED.sub("", composed)).strip()


def heading(text: str, level: int, page: int | None = None) -> Block:
    """Make a heading block."""
    return Block(BlockKind.HEADING, text_clean(text), max(1, level), page)


def paragraph(text: str, page: int | None = None) -> Block:
    """Make a paragraph block."""
    return Block(BlockKind.PARAGRAPH, text_clean(text), page=page)


def item(text: str, page: int | None = None) -> Block:
    """Make a list item block."""
    return Block(BlockKind.ITEM, text_clean(text), page=page)


def rows(table: Sequence[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """Turn a table into one sentence per row, "Header: value; …", so that a row can be an answer.

    The first row is the header. A table of a single row, or one whose header is empty, gives its
    cells joined by commas.
    """
    cleaned = [[text_clean(cell) for cell in row] for row in table]
    cleaned = [row for row in cleaned if any(row)]
    if not cleaned:
        return
    header, body = cleaned[0], cleaned[1:]
    if not body or not any(header):
        header, body = [], cleaned
    for row in body:
        yield Block(BlockKind.ROW, _row_sentence(header, row), page=page)


def _row_sentence(header: Sequence[str], row: Sequence[str]) -> str:
    if not header:
        return ", ".join(cell for cell in row if cell)
    padded = [*header, *[""] * (len(row) - len(header))]
    cells = [(name.rstrip(":"), cell) for name, cell in zip(padded, row, strict=False) if cell]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in cells)


def blocks_finish(title: str, blocks: Iterable[Block]) -> Extracted:
    """Drop empty blocks and bound the whole; raises DocumentTooLong and DocumentWithoutText."""
    from knowledge.errors import DocumentTooLong, DocumentWithoutText

    kept: list[Block] = []
    characters = 0
    for block in blocks:
        if not block.text:
            continue
        kept.append(block)
        characters += len(block.text)
        if characters > MAX_CHARACTERS or len(kept) > MAX_BLOCKS:
            raise DocumentTooLong()
    if not any(any(map(str.isalnum, block.text)) for block in kept):
        raise DocumentWithoutText()
    return Extracted(text_clean(title)[:200], tuple(kept))


def title_from(blocks: Iterable[Block]) -> str:
    """Return the text of the first top-level heading, or nothing."""
    return next((b.text for b in blocks if b.kind is BlockKind.HEADING and b.level == 1), "")
