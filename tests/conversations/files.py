"""Files for tests, made of as few bytes as tell what they are."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def png(width: int = 2, height: int = 3) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02" * 4
    )


def gif(width: int = 2, height: int = 3) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + b";"


def jpeg(width: int = 2, height: int = 3) -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    frame = b"\xff\xc0" + struct.pack(">HBHH", 11, 8, height, width) + bytes(4)
    return b"\xff\xd8" + app0 + frame + b"\xff\xd9"


def webp(kind: bytes = b"VP8X", width: int = 2, height: int = 3) -> bytes:
    if kind == b"VP8X":
        body = bytes(4) + _uint24(width - 1) + _uint24(height - 1)
    elif kind == b"VP8L":
        body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    else:
        body = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _uint24(value: int) -> bytes:
    return struct.pack("<I", value)[:3]


def archive(*names: str, first: tuple[str, str] | None = None) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        if first:
            made.writestr(*first)
        for name in names:
            made.writestr(name, "x")
    return packed.getvalue()


def docx(*more: str) -> bytes:
    return archive("[Content_Types].xml", "word/document.xml", *more)


def odt() -> bytes:
    return archive("content.xml", first=("mimetype", "application/vnd.oasis.opendocument.text"))
