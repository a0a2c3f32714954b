"""What every upload is held against, whatever it is for: its name, and what its first bytes say."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

# Controls, lone surrogates, and what turns the direction of writing or is not seen: a name shows
# what it is.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
# What is never taken, by its first bytes.
SIGNATURES: Final = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "a database"),
)
PDF: Final = b"%PDF-"
ZIP: Final = b"PK\x03\x04"
# Office's old container, which also wraps encrypted files.
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def filename_clean(filename: str) -> str:
    """Return the bare name without path and hidden characters; "" where nothing is left."""
    composed = unicodedata.normalize("NFC", _HIDDEN.sub("", filename.replace("\\", "/")))
    name = " ".join(PurePosixPath(composed).name.split())
    return name if name.strip(". ") else ""


def signature_of(content: bytes) -> str:
    """Return what the bytes are where that is never taken, else nothing."""
    found = (told for signature, told in SIGNATURES if content.startswith(signature))
    return next(found, "")
