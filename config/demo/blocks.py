"""Parse Markdown to the short list of blocks which every renderer understands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Span:
    """A run of text in one weight."""

    text: str
    bold: bool = False


Inline = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the document's title."""

    level: int
    content: Inline


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of running text."""

    content: Inline


@dataclass(frozen=True)
class ItemList:
    """A bullet list, or a numbered list."""

    items: tuple[Inline, ...]
    numbered: bool


@dataclass(frozen=True)
class Table:
    """A table whose first row is its header."""

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]


Block = Heading | Paragraph | ItemList | Table


def blocks_parse(markdown: str) -> list[Block]:
    """Parse Markdown to blocks."""
    root = SyntaxTreeNode(PARSER.parse(markdown))
    return [_block(node) for node in root.children]


def inline_text(content: Inline) -> str:
    """Join the spans to plain text."""
    return "".join(span.text for span in content)


def _block(node: SyntaxTreeNode) -> Block:
    """Turn one top-level node into a block."""
    match node.type:
        case "heading":
            return Heading(int(node.tag[1:]), _inline(node))
        case "paragraph":
            return Paragraph(_inline(node))
        case "bullet_list" | "ordered_list":
            items = tuple(_inline(item) for item in node.children)
            return ItemList(items, numbered=node.type == "ordered_list")
        case "table":
            header, *rows = _table_rows(node)
            return Table(header, tuple(rows))
    raise ValueError(f"demo documents cannot contain a {node.type!r} block")


def _table_rows(node: SyntaxTreeNode) -> list[tuple[Inline, ...]]:
    """Collect the rows of the table, the header row first."""
    rows = (row for section in node.children for row in section.children)
    return [tuple(_inline(cell) for cell in row.children) for row in rows]


def _inline(node: SyntaxTreeNode) -> Inline:
    """Collect the text below the node, bold runs apart."""
    return tuple(_spans(node, bold=False))


def _spans(node: SyntaxTreeNode, *, bold: bool) -> Iterator[Span]:
    """Walk the text below the node in reading order."""
    if node.type in ("text", "code_inline"):
        yield Span(node.content, bold)
    elif node.type in ("softbreak", "hardbreak"):
        yield Span(" ", bold)
    for child in node.children:
        yield from _spans(child, bold=bold or node.type == "strong")
