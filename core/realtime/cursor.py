"""Where a client of the HTTP ways stands: `epoch:seq`, and behind it what `status` it was told."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from core.realtime.errors import FrameInvalid

_WRITTEN = re.compile(r"(?P<epoch>[^:\s]{0,16}):(?P<seq>\d{1,10})(?::(?P<mark>[0-9a-f]{8}))?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position; `mark` tells one `status` from another, for who asks again and again."""

    epoch: str
    seq: int
    mark: str = ""

    def __str__(self) -> str:
        return ":".join((self.epoch, str(self.seq), *filter(None, [self.mark])))


def cursor_read(written: str) -> Cursor | None:
    """Return the position that a client sends back, None for an empty one; raises FrameInvalid."""
    if not written:
        return None
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise FrameInvalid(field="after")
    return Cursor(found["epoch"], int(found["seq"]), found["mark"] or "")


class Progress:
    """Follows the frames that were sent to a client, and says where it stands."""

    __slots__ = ("epoch", "is_lost", "mark", "seq")

    def __init__(self, cursor: Cursor | None) -> None:
        self.epoch = cursor.epoch if cursor else ""
        self.seq = cursor.seq if cursor else 0
        self.mark = cursor.mark if cursor else ""
        self.is_lost = False

    def note(self, frame: dict[str, Any], text: str) -> bool:
        """Take a frame into account; True when it tells the client something that it had not."""
        kind = frame["type"]
        if kind == "welcome":
            self.epoch, self.seq = frame["epoch"], frame["first"] - 1
            return not frame["resumed"]
        if kind == "status":
            before, self.mark = self.mark, hashlib.sha256(text.encode()).hexdigest()[:8]
            return before != self.mark
        if kind == "message":
            self.seq = frame["seq"]
        self.is_lost = self.is_lost or kind == "gap"
        return bool(kind != "pong")

    @property
    def cursor(self) -> str:
        """Return the position to send back; empty when the client has to start over."""
        if self.is_lost or not self.epoch:
            return ""
        return str(Cursor(self.epoch, self.seq, self.mark))


def frame_read(text: str) -> dict[str, Any]:
    """Return a frame of ours as values."""
    frame: dict[str, Any] = json.loads(text)
    return frame
