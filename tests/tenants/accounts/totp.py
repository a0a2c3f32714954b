"""What an authenticator app shows (RFC 6238), without Django: browser tests need it as well."""

from __future__ import annotations

import base64
import hmac
import struct
import time

PERIOD = 30  # seconds a code is shown
_LAST = 4.0  # seconds before a code changes in which no test begins


def half_minute_begin() -> None:
    """Wait out a half minute's last seconds: a code asked for now is still shown a while later."""
    left = PERIOD - time.time() % PERIOD
    if left < _LAST:
        time.sleep(left)


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code of now, or of so many half minutes from now."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // PERIOD + steps), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"
