"""Render a demo document to plain text which reads well in a fixed-width font."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from config.demo.blocks import (
    Block,
    Heading,
    Inline,
    ItemList,
    Paragraph,
    Table,
    blocks_parse,
    inline_text,
)
from config.demo.sources import DemoSource

WIDTH: Final = 80
_UNDERLINES: Final = {1: "=", 2: "-"}
_COLUMN_GAP: Final = "  "


def txt_render(source: DemoSource) -> bytes:
    """Render the document to plain text, wrapped at 80 characters."""
    blocks = blocks_parse(source.body)
    return ("\n\n".join(_block(block) for block in blocks) + "\n").encode("utf-8")


def _block(block: Block) -> str:
    """Set one block as lines of text."""
    match block:
        case Heading():
            return _heading(block)
        case Paragraph():
            return _wrap(inline_text(block.content))
        case ItemList():
            return "\n".join(_items(block))
        case Table():
            return _table(block)


def _heading(heading: Heading) -> str:
    """Underline the heading's text."""
    text = inline_text(heading.content)
    return f"{text}\n{_UNDERLINES.get(heading.level, '~') * len(text)}"


def _items(block: ItemList) -> Iterator[str]:
    """Set each list item behind its bullet or number."""
    for number, item in enumerate(block.items, start=1):
        mark = f"{number}. " if block.numbered else "- "
        yield _wrap(inline_text(item), mark)


def _wrap(text: str, mark: str = "") -> str:
    """Wrap the text, continuation lines indented below the mark."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(table: Table) -> str:
    """Align the table's columns, a rule below the header."""
    rows = [_cells(row) for row in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *lines = [_row(row, widths) for row in rows]
    return "\n".join([header, _row(["-" * width for width in widths], widths), *lines])


def _cells(row: Iterable[Inline]) -> list[str]:
    """Take the plain text of every cell."""
    return [inline_text(cell) for cell in row]


def _row(cells: list[str], widths: list[int]) -> str:
    """Pad the cells to their columns."""
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return _COLUMN_GAP.join(padded).rstrip()
