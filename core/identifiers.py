"""Identifiers that sort by time: UUID version 7 (RFC 9562)."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a version 7 UUID: 48 bits of Unix milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80 | random
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)
