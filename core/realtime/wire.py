"""How a frame travels from a publisher to every hub: encoded once, forwarded raw.

A packet is a header line and the frame's JSON: `D 12 -\\n{…}` is durable with seq 12 (0 for one
without), `E 0 5f3a\\n{…}` is ephemeral and not for the connection 5f3a, which caused it, `S 0 -` is
ephemeral and slight: it is the first to go when a reader is slow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode

NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame on its way; `seq` is 0 for frames that have no place in a sequence."""

    text: str
    is_durable: bool
    seq: int = 0
    skip: str = NOBODY
    is_slight: bool = False


def frame_text(frame: Mapping[str, Any]) -> str:
    """Return a frame as it is sent: compact JSON."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=8)
def text_frame(text: str) -> bytes:
    """Return a server's WebSocket frame; remembered, for a room of many hears the same one."""
    payload = text.encode()
    return WebSocketFrame(Opcode.TEXT, payload).serialize(mask=False)


def packet_encode(packet: Packet) -> bytes:
    kind = "D" if packet.is_durable else "S" if packet.is_slight else "E"
    return f"{kind} {packet.seq} {packet.skip}\n{packet.text}".encode()


def packet_decode(data: bytes) -> Packet:
    """Return the packet; raises ValueError for what no publisher of ours has written."""
    header, _, text = data.decode().partition("\n")
    kind, seq, skip = header.split(" ")
    return Packet(text, is_durable=kind == "D", seq=int(seq), skip=skip, is_slight=kind == "S")
