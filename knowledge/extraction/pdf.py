"""Open a PDF and give each page's text as positioned segments; layout is `pdf_layout`'s work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from knowledge.errors import (
    DocumentDamaged,
    DocumentEncrypted,
    DocumentTooLong,
    DocumentWithoutText,
)
from knowledge.extraction.blocks import Extracted, blocks_finish, title_from
from knowledge.extraction.pdf_layout import Segment, pages_blocks

MAX_PAGES: Final = 2000
MAX_SEGMENTS: Final = 20_000
# Where the end marker has to be found (ISO 32000, annex H).
_END_WITHIN: Final = 2048
_POSITION_TOLERANCE: Final = 3.0


def pdf_extract(content: bytes) -> Extracted:
    """Return a PDF's blocks, pages kept.

    Raises DocumentEncrypted, DocumentDamaged, DocumentTooLong, and DocumentWithoutText for scans.
    """
    if b"%%EOF" not in content[-_END_WITHIN:]:
        raise DocumentDamaged(
            "The PDF is incomplete: its end is missing. Export or download it again."
        )
    document = _opened(content)
    if len(document) > MAX_PAGES:
        raise DocumentTooLong(f"The PDF has {len(document)} pages; at most {MAX_PAGES} are read.")
    pages = [list(_segments(document[number])) for number in range(len(document))]
    if not any(pages):
        raise DocumentWithoutText()
    blocks = list(pages_blocks(pages))
    return blocks_finish(title_from(blocks) or _title(document), blocks)


def _opened(content: bytes) -> Any:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentEncrypted() from error
        raise DocumentDamaged() from error
    if not len(document):
        raise DocumentDamaged()
    return document


def _title(document: Any) -> str:
    return str(document.get_metadata_dict().get("Title", ""))


def _segments(page: Any) -> Iterator[Segment]:
    """Yield runs of text in one font on one line, in the order the file draws them."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    count = text_page.count_rects()
    if count > MAX_SEGMENTS:
        raise DocumentTooLong("A page of the PDF holds more text than can be read.")
    for index in range(count):
        left, bottom, right, top = text_page.get_rect(index)
        text = text_page.get_text_bounded(left, bottom, right, top).strip("\r\n")
        if not text.strip():
            continue
        position = pdfium.FPDFText_GetCharIndexAtPos(
            text_page.raw, left + 1, (bottom + top) / 2, _POSITION_TOLERANCE, _POSITION_TOLERANCE
        )
        size = pdfium.FPDFText_GetFontSize(text_page.raw, position) if position >= 0 else 0
        yield Segment(text, left, bottom, right, top, float(size) or (top - bottom))
