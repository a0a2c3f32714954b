"""Colours that go with a tenant's accent: what is readable on it, and its darker side."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEX = re.compile(r"#[0-9a-fA-F]{6}")
FALLBACK = "#0e5f4c"
DARK_INK = "#10151c"
# The luminance at which white and DARK_INK contrast equally with a colour (WCAG 2.2, 1.4.3).
MIDDLE = 0.185


@dataclass(frozen=True, slots=True)
class Palette:
    """`ink` is the text colour on `accent`; `shade` is what the header's gradient mixes in."""

    accent: str
    ink: str
    shade: str


def palette_for(accent: str) -> Palette:
    """Return the palette of an accent colour `#rrggbb`; anything else gets the product's own."""
    colour = accent if HEX.fullmatch(accent) else FALLBACK
    if _luminance(colour) > MIDDLE:
        return Palette(accent=colour, ink=DARK_INK, shade="#fff")
    return Palette(accent=colour, ink="#fff", shade="#000")


def _luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
