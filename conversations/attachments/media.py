"""Decide what an attachment is by its bytes; its name may only agree."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Final

from conversations.attachments.images import image_size
from conversations.errors import (
    AttachmentEmpty,
    AttachmentImageTooLarge,
    AttachmentMismatch,
    AttachmentTypeUnsupported,
    AttachmentUnsafe,
)
from core.uploads import PDF, ZIP, signature_of

TEXT: Final = "text/plain"
CSV: Final = "text/csv"
TEXTUAL: Final = frozenset({TEXT, CSV})
IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"
# What is taken, and how a file of it may be named.
EXTENSIONS: Final = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
    "application/pdf": ("pdf",),
    TEXT: ("txt", "text", "log", "md"),
    CSV: ("csv",),
    f"{_OOXML}.wordprocessingml.document": ("docx",),
    f"{_OOXML}.spreadsheetml.sheet": ("xlsx",),
    f"{_OOXML}.presentationml.presentation": ("pptx",),
    f"{_ODF}.text": ("odt",),
    f"{_ODF}.spreadsheet": ("ods",),
    f"{_ODF}.presentation": ("odp",),
}
ACCEPTED: Final = ",".join(f".{name}" for names in EXTENSIONS.values() for name in names)
_BY_EXTENSION: Final = {name: kind for kind, names in EXTENSIONS.items() for name in names}
# The largest picture a browser is asked to decode: four bytes each make 200 MB.
MAX_PIXELS: Final = 50_000_000
_FOLDERS: Final = {
    "word/": f"{_OOXML}.wordprocessingml.document",
    "xl/": f"{_OOXML}.spreadsheetml.sheet",
    "ppt/": f"{_OOXML}.presentationml.presentation",
}
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_BYTES: Final = 22
_MIMETYPE_LIMIT: Final = 100
_ENTRIES_LIMIT: Final = 10_000
_TEXT_CONTROLS: Final = frozenset(range(32)) - {9, 10, 12, 13, 27}


@dataclass(frozen=True, slots=True)
class Media:
    """What a file is; a picture with its size in pixels."""

    media_type: str
    width: int | None = None
    height: int | None = None


def media_sniff(*, name: str, content: bytes) -> Media:
    """Return what the file is.

    Raises AttachmentEmpty, AttachmentTypeUnsupported, AttachmentMismatch where the name says
    otherwise, AttachmentUnsafe for two files in one or macros, AttachmentImageTooLarge.
    """
    if not content:
        raise AttachmentEmpty()
    claimed = _BY_EXTENSION.get(PurePath(name).suffix.lstrip(".").lower())
    if claimed is None:
        raise AttachmentTypeUnsupported()
    actual = _type_of(content, claimed)
    if actual != claimed:
        raise AttachmentMismatch()
    if actual in IMAGES:
        return _image(actual, content)
    return Media(actual)


def _type_of(content: bytes, claimed: str) -> str:
    """Return the type that the bytes have, "" for none that is taken."""
    if signature_of(content):
        return ""
    image = _image_type(content)
    if image or content.startswith(PDF):
        _single_check(content, is_pdf=not image)
        return image or "application/pdf"
    if content.startswith(ZIP):
        return _office_type(content)
    # A table is text; only its name tells which.
    return (CSV if claimed == CSV else TEXT) if _is_text(content) else ""


def _image_type(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    is_webp = content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    return "image/webp" if is_webp else ""


def _single_check(content: bytes, *, is_pdf: bool) -> None:
    """Refuse what is an archive or a PDF at the same time; raises AttachmentUnsafe."""
    if _has_archive(content) or (not is_pdf and PDF in content[:1024]):
        raise AttachmentUnsafe()


def _has_archive(content: bytes) -> bool:
    """Return whether a ZIP's end stands where a reader of ZIPs would look for it."""
    at = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_END_BYTES - 0xFFFF))
    if at < 0 or at + _ZIP_END_BYTES > len(content):
        return False
    comment = int.from_bytes(content[at + 20 : at + 22], "little")
    return at + _ZIP_END_BYTES + comment == len(content)


def _office_type(content: bytes) -> str:
    """Return which office document an archive is, by its directory; "" for any other archive."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()[:_ENTRIES_LIMIT]
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise AttachmentUnsafe()
            return _ooxml_type(names) or _odf_type(archive, names)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
        return ""


def _ooxml_type(names: list[str]) -> str:
    if "[Content_Types].xml" not in names:
        return ""
    roots = {f"{name.partition('/')[0]}/" for name in names}
    found = [kind for folder, kind in _FOLDERS.items() if folder in roots]
    return found[0] if len(found) == 1 else ""


def _odf_type(archive: zipfile.ZipFile, names: list[str]) -> str:
    """Return what the first entry says, which OpenDocument stores unpacked."""
    first = archive.infolist()[0] if names else None
    is_named = first is not None and first.filename == "mimetype"
    if first is None or not is_named or first.file_size > _MIMETYPE_LIMIT:
        return ""
    told = archive.read(first).decode("ascii", "replace").strip()
    return told if told in EXTENSIONS else ""


def _is_text(content: bytes) -> bool:
    if not _TEXT_CONTROLS.isdisjoint(content):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _image(media_type: str, content: bytes) -> Media:
    size = image_size(media_type, content)
    if size is None:
        raise AttachmentMismatch()
    width, height = size
    if width * height > MAX_PIXELS:
        raise AttachmentImageTooLarge()
    return Media(media_type, width, height)
