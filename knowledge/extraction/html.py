"""Read HTML: the main content only, with its headings, lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from knowledge.errors import DocumentDamaged, DocumentWithoutText
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

MAX_DEPTH: Final = 200
_DECLARED: Final = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
_XML_ENCODING: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_SKIPPED: Final = frozenset(
    {"script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "head"}
    | {"button", "select", "iframe", "svg", "math", "object", "embed", "canvas", "dialog"}
)
_BLOCKS: Final = frozenset(
    {"p", "div", "section", "article", "main", "blockquote", "pre", "dd", "dt", "figure", "body"}
    | {"figcaption", "address", "details", "summary", "ul", "ol", "dl", "center", "td"}
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
# Less than this share of the page's text, and trafilatura has dropped more than boilerplate.
_KEPT_SHARE: Final = 0.5


def html_extract(content: bytes) -> Extracted:
    """Return the blocks of a page's main content.

    The page's own `<main>` or single `<article>` counts; without one trafilatura decides, and when
    it keeps too little, everything but navigation does. Raises DocumentDamaged.
    """
    root = _parsed(_decoded(content))
    marked = _marked_content(root)
    blocks = list(_Walk().blocks(marked if marked is not None else root))
    if marked is None:
        blocks = _without_boilerplate(root, blocks)
    if not blocks:
        raise DocumentWithoutText()
    return blocks_finish(title_from(blocks) or _title(root), blocks)


def _decoded(content: bytes) -> str:
    declared = _DECLARED.search(content[:2048])
    if declared:
        try:
            return content.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass  # a page that lies about its encoding is read as the bytes say
    return text_decode(content)


def _parsed(text: str) -> Any:
    from lxml import etree, html

    parser = html.HTMLParser(
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = html.document_fromstring(_XML_ENCODING.sub("", text), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise DocumentDamaged() from error
    return root


def _marked_content(root: Any) -> Any:
    for path in ("//main", "//*[@role='main']", "//article"):
        found = root.xpath(path)
        if len(found) == 1 and (found[0].text_content() or "").strip():
            return found[0]
    return None


def _title(root: Any) -> str:
    found = root.xpath("//head/title/text()")
    return str(found[0]) if found else ""


def _without_boilerplate(root: Any, everything: list[Block]) -> list[Block]:
    """Return what trafilatura keeps, or everything when it keeps less than half."""
    import trafilatura

    kept = trafilatura.extract(
        root, output_format="xml", include_tables=True, include_comments=False
    )
    if not kept:
        return everything
    blocks = list(_Walk().blocks(_as_html(kept)))
    characters = sum(len(block.text) for block in blocks)
    is_enough = characters >= _KEPT_SHARE * sum(len(block.text) for block in everything)
    return blocks if is_enough else everything


def _as_html(xml: str) -> Any:
    """Give trafilatura's elements their HTML names back."""
    from lxml import etree

    names = {"list": "ul", "item": "li", "row": "tr", "cell": "td", "quote": "blockquote"}
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    tree = etree.fromstring(xml.encode(), parser)
    for element in tree.iter("*"):
        if element.tag == "head":
            element.tag = element.get("rend") or "h2"
        element.tag = names.get(element.tag, element.tag)
    main = tree.find("main")
    return tree if main is None else main


class _Walk:
    """Collects running text and gives it out as a block wherever the layout breaks."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.items = 0

    def blocks(self, element: Any, depth: int = 0) -> Iterator[Block]:
        """Yield the blocks inside `element`; what is nested deeper than any page is cut."""
        if depth > MAX_DEPTH:
            return
        self.text.append(element.text or "")
        for child in element:
            yield from self._child(child, depth + 1)
            self.text.append(child.tail or "")
        if depth == 0:
            yield from self._flush()

    def _child(self, child: Any, depth: int) -> Iterator[Block]:
        tag = child.tag if isinstance(child.tag, str) else ""
        if tag in _SKIPPED and not (tag == "header" and child.xpath(".//h1")):
            return
        if tag in _HEADINGS:
            yield from self._flush()
            yield heading(
                child.text_content()
                if hasattr(child, "text_content")
                else "".join(child.itertext()),
                _HEADINGS[tag],
            )
        elif tag == "table":
            yield from self._flush()
            yield from rows(_table_cells(child))
        elif tag == "li":
            yield from self._item(child, depth)
        elif tag in _BLOCKS:
            yield from self._flush()
            yield from self.blocks(child, depth)
            yield from self._flush()
        else:
            self.text.append(" " if tag in {"br", "hr", "lb"} else "")
            yield from self.blocks(child, depth)

    def _item(self, child: Any, depth: int) -> Iterator[Block]:
        yield from self._flush()
        self.items += 1
        yield from self.blocks(child, depth)
        yield from self._flush()
        self.items -= 1

    def _flush(self) -> Iterator[Block]:
        text = "".join(self.text)
        self.text = []
        if text.strip():
            yield item(text) if self.items else paragraph(text)


def _table_cells(table: Any) -> list[list[str]]:
    rows_found = table.xpath(".//tr")
    return [[" ".join(cell.itertext()) for cell in row.xpath("./th|./td")] for row in rows_found]
