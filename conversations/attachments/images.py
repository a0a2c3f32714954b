"""Read an image's size from its header: nothing is decoded, so nothing can blow up here."""

from __future__ import annotations

import struct
from typing import Final

Size = tuple[int, int]
# Markers of a JPEG's frame header; C4, C8 and CC in between are something else.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})


def image_size(media_type: str, content: bytes) -> Size | None:
    """Return width and height in pixels as the header tells them; None where it is damaged."""
    try:
        size = _READERS[media_type](content)
    except (struct.error, IndexError):
        return None
    return size if size and all(size) else None


def _png(content: bytes) -> Size | None:
    if content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _gif(content: bytes) -> Size | None:
    width, height = struct.unpack("<HH", content[6:10])
    return width, height


def _jpeg(content: bytes) -> Size | None:
    """Walk the segments to the first frame header."""
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + _jpeg_length(content, at, marker)
    return None


def _jpeg_length(content: bytes, at: int, marker: int) -> int:
    if marker in _STANDALONE:
        return 0
    return int(struct.unpack(">H", content[at + 2 : at + 4])[0])


def _webp(content: bytes) -> Size | None:
    kind = content[12:16]
    if kind == b"VP8X":
        return _uint24(content, 24) + 1, _uint24(content, 27) + 1
    if kind == b"VP8L":
        bits = struct.unpack("<I", content[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _uint24(content: bytes, at: int) -> int:
    low, middle, high = struct.unpack("<BBB", content[at : at + 3])
    return int(low | middle << 8 | high << 16)


_READERS: Final = {
    "image/png": _png,
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
}
