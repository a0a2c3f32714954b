"""Read a DOCX: first as an untrusted archive, then as a document."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from knowledge.errors import (
    ActiveContent,
    ArchiveSuspicious,
    ContentMismatch,
    DocumentDamaged,
    DocumentEncrypted,
    ForbiddenMarkup,
)
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

MAX_ENTRIES: Final = 2000
MAX_UNPACKED: Final = 100 * 1024 * 1024
MAX_PART: Final = 40 * 1024 * 1024
MAX_RATIO: Final = 150
# Below this size a high ratio is ordinary XML.
_RATIO_FROM: Final = 2 * 1024 * 1024
_PROLOGUE: Final = 8192
_HEADING: Final = re.compile(r"(?:heading|überschrift|titre)\s*(\d)", re.IGNORECASE)
_MAIN_PART: Final = "word/document.xml"


def docx_extract(content: bytes) -> Extracted:
    """Return a DOCX's blocks.

    Raises ArchiveSuspicious, ActiveContent, ForbiddenMarkup, ContentMismatch, DocumentEncrypted,
    DocumentDamaged.
    """
    _archive_check(content)
    document = _opened(content)
    blocks = list(_blocks(document))
    return blocks_finish(title_from(blocks) or document.core_properties.title or "", blocks)


def _archive_check(content: bytes) -> None:
    """Refuse what is dangerous before any part is parsed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _sizes_check(entries, len(content))
            _names_check(entries)
            for entry in entries:
                if entry.filename.lower().endswith((".xml", ".rels")):
                    _markup_check(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DocumentDamaged() from error


def _sizes_check(entries: list[zipfile.ZipInfo], packed: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or total > MAX_UNPACKED:
        raise ArchiveSuspicious()
    if total > _RATIO_FROM and total > packed * MAX_RATIO:
        raise ArchiveSuspicious()
    if any(entry.file_size > MAX_PART for entry in entries):
        raise ArchiveSuspicious()


def _names_check(entries: list[zipfile.ZipInfo]) -> None:
    names = {entry.filename.lower() for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise DocumentEncrypted()
    if any(name.endswith("vbaproject.bin") for name in names):
        raise ActiveContent()
    if _MAIN_PART not in names:
        raise ContentMismatch("The file is named .docx but it is not a Word document.")


def _markup_check(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse document type declarations: Word never writes one, and XXE needs one."""
    with archive.open(entry) as part:
        start = part.read(_PROLOGUE)
    # In any encoding an XML parser would accept, once the NULs of UTF-16 are gone.
    if b"<!doctype" in start.replace(b"\x00", b"").lower():
        raise ForbiddenMarkup()


def _opened(content: bytes) -> Any:
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        return Document(io.BytesIO(content))
    except (OpcError, LxmlError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DocumentDamaged() from error


def _blocks(document: Any) -> Iterator[Block]:
    from docx.table import Table

    for content in document.iter_inner_content():
        if isinstance(content, Table):
            yield from rows(_table_cells(content))
        else:
            yield _paragraph_block(content)


def _paragraph_block(content: Any) -> Block:
    style = str(content.style.name) if content.style is not None else ""
    level = _heading_level(style)
    if level:
        return heading(content.text, level)
    is_item = style.lower().startswith("list") or bool(content._p.xpath("./w:pPr/w:numPr"))
    return item(content.text) if is_item else paragraph(content.text)


def _heading_level(style: str) -> int:
    if style.lower() == "title":
        return 1
    match = _HEADING.match(style)
    return int(match.group(1)) if match else 0


def _table_cells(table: Any) -> list[list[str]]:
    """Return the table's texts; a merged cell appears once."""
    found = []
    for row in table.rows:
        seen: set[int] = set()
        texts = []
        for cell in row.cells:
            texts.append("" if id(cell._tc) in seen else cell.text)
            seen.add(id(cell._tc))
        found.append(texts)
    return found
