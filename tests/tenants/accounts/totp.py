"""What an authenticator app shows (RFC 6238), without Django: browser tests need it as well."""

from __future__ import annotations

import base64
import hmac
import struct
import time


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code of now, or of so many half minutes from now."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + steps), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"
