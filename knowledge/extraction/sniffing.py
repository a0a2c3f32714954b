"""Decide what a file is by its bytes, and refuse what its name pretends to be."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from core.uploads import OLE, PDF, SIGNATURES, ZIP
from knowledge.errors import ContentMismatch, DocumentEncrypted, FileEmpty, FormatUnsupported
from knowledge.types import DocumentFormat

_EXTENSIONS: Final = {
    "pdf": DocumentFormat.PDF,
    "docx": DocumentFormat.DOCX,
    "html": DocumentFormat.HTML,
    "htm": DocumentFormat.HTML,
    "xhtml": DocumentFormat.HTML,
    "md": DocumentFormat.MARKDOWN,
    "markdown": DocumentFormat.MARKDOWN,
    "txt": DocumentFormat.TEXT,
    "text": DocumentFormat.TEXT,
    "csv": DocumentFormat.FAQ,
}
_IMAGES: Final = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
)
_TEXTUAL: Final = frozenset(
    {DocumentFormat.HTML, DocumentFormat.MARKDOWN, DocumentFormat.TEXT, DocumentFormat.FAQ}
)
# A PDF may carry a few bytes of rubbish before its header (ISO 32000, annex H).
_PDF_WITHIN: Final = 1024


def format_of_name(filename: str) -> DocumentFormat:
    """Return the format the name claims; raises FormatUnsupported."""
    extension = PurePath(filename).suffix.lstrip(".").lower()
    if extension not in _EXTENSIONS:
        named = f" Files ending in .{extension} are not read." if extension else ""
        raise FormatUnsupported(f"{FormatUnsupported.title}{named}")
    return _EXTENSIONS[extension]


def format_sniff(*, filename: str, content: bytes) -> DocumentFormat:
    """Return the format of the file, checked against its bytes.

    Raises FileEmpty, FormatUnsupported, ContentMismatch, and DocumentEncrypted for an Office file
    wrapped in an encrypted container.
    """
    if not content.strip():
        raise FileEmpty()
    claimed = format_of_name(filename)
    actual = _disguise(content, claimed)
    if actual:
        raise ContentMismatch(f"The file is named .{claimed} but it is {actual}.")
    return claimed


def _disguise(content: bytes, claimed: DocumentFormat) -> str:
    """Name what the bytes are when they are not what is claimed, else return nothing."""
    for signature, description in (*SIGNATURES, *_IMAGES):
        if content.startswith(signature):
            return description
    if content.startswith(OLE):
        return _compound(claimed)
    is_pdf = PDF in content[:_PDF_WITHIN]
    if claimed is DocumentFormat.PDF:
        return "" if is_pdf else "not a PDF"
    if claimed is DocumentFormat.DOCX:
        return "" if content.startswith(ZIP) else "not a Word document"
    return _text_disguise(content) if claimed in _TEXTUAL else ""


def _compound(claimed: DocumentFormat) -> str:
    """Tell an encrypted DOCX, which Office wraps in its old container, from an old .doc."""
    if claimed is DocumentFormat.DOCX:
        raise DocumentEncrypted(
            "The file is protected by a password, or in the old .doc format; save it as a DOCX "
            "without a password."
        )
    return "an old Office document"


def _text_disguise(content: bytes) -> str:
    if content.startswith(PDF):
        return "a PDF"
    if content.startswith(ZIP):
        return "a ZIP archive or Office document"
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "binary data" if b"\x00" in content[:4096] and not is_utf16 else ""
