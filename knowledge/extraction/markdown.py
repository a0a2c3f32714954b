"""Read Markdown by its token stream: headings, lists and tables keep their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

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

_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


def markdown_extract(content: bytes) -> Extracted:
    """Return the blocks of a Markdown file; raw HTML in it is reduced to its text."""
    from markdown_it import MarkdownIt

    text = _FRONT_MATTER.sub("", text_decode(content).replace("\r\n", "\n"))
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    blocks = list(_Walk().blocks(parser.parse(text)))
    return blocks_finish(title_from(blocks), blocks)


class _Walk:
    """Follow the tokens and remember which structure they are in."""

    def __init__(self) -> None:
        self.level = 0
        self.lists = 0
        self.table: list[list[str]] | None = None

    def blocks(self, tokens: list[Any]) -> Iterator[Block]:
        for token in tokens:
            self._enter(token)
            yield from self._emit(token)

    def _enter(self, token: Any) -> None:
        if token.type == "heading_open":
            self.level = int(token.tag[1:])
        elif token.type == "list_item_open":
            self.lists += 1
        elif token.type == "list_item_close":
            self.lists -= 1
        elif token.type == "table_open":
            self.table = []
        elif token.type == "tr_open" and self.table is not None:
            self.table.append([])

    def _emit(self, token: Any) -> Iterator[Block]:
        if token.type == "inline":
            yield from self._inline(_inline_text(token))
        elif token.type in {"fence", "code_block"}:
            yield paragraph(token.content)
        elif token.type == "html_block":
            yield paragraph(_TAG.sub(" ", token.content))
        elif token.type == "table_close":
            yield from rows(self.table or [])
            self.table = None

    def _inline(self, text: str) -> Iterator[Block]:
        if self.table is not None:
            self.table[-1].append(text)
        elif self.level:
            yield heading(text, self.level)
            self.level = 0
        else:
            yield item(text) if self.lists else paragraph(text)


def _inline_text(token: Any) -> str:
    """Return the visible text of an inline token: link texts, code, alternative texts."""
    parts = []
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif child.type in {"text", "code_inline", "image"}:
            parts.append(child.content)
    return "".join(parts)
