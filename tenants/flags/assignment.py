"""Who belongs to a percentage, and who sees which variant: by hash, so the same each time.

Nothing is stored. The hash covers the flag's name, so being in one flag says nothing about another.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from tenants.flags.types import Variant

_BITS = 53  # what a float holds exactly


def fraction(*parts: str) -> float:
    """Return a number in [0, 1), evenly spread over subjects and the same for the same parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return (int.from_bytes(digest[:8]) >> (64 - _BITS)) / (1 << _BITS)


def is_within(flag: str, subject: str, percent: float) -> bool:
    """Return whether a subject belongs to the percentage; whoever does stays when it grows."""
    return fraction("percent", flag, subject) * 100 < percent


def variant_pick(flag: str, subject: str, variants: Sequence[Variant]) -> str:
    """Return the variant a subject sees, "" when none has a weight.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables",
    SPAA 2005): each variant draws -ln(u)/weight, the least wins, with probability weight/sum. When
    one weight changes, subjects move only to or from that variant; the others keep theirs.
    """
    draws = [
        (-math.log(1 - fraction("variant", flag, variant.key, subject)) / variant.weight, variant)
        for variant in variants
        if variant.weight > 0
    ]
    return min(draws, key=lambda draw: draw[0])[1].key if draws else ""
