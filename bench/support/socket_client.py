"""A WebSocket client that costs next to nothing, so that two thousand are not what is measured.

It makes the handshake, masks with zeros, answers pings and hands over each text frame as bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

LOOPBACK: Final = "127.0.0.1"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
HANDSHAKE_SECONDS: Final = 60.0
_KEY: Final = "AAAAAAAAAAAAAAAAAAAAAA=="


@dataclass(frozen=True, slots=True)
class Address:
    """Where to dial, and as whom."""

    port: int
    path: str
    host: str = LOOPBACK
    protocols: Sequence[str] = ()

    def request(self) -> bytes:
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {_KEY}",
        ]
        if self.protocols:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(self.protocols)}")
        return "\r\n".join([*lines, "", ""]).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a whole frame, masked with zeros as only a benchmark may."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class Connection(asyncio.Protocol):
    """One line; `on_text` gets the payload of every text frame until the line is lost."""

    def __init__(self, address: Address, on_text: Callable[[Connection, bytes], None]) -> None:
        self.on_text = on_text
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.close_code = 0
        self.is_lost = False
        self._request = address.request()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.transport.write(self._request)

    def say(self, payload: bytes) -> None:
        self.transport.write(frame(TEXT, payload))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self.opened.done() and not self._is_open():
            return
        self._frames()

    def _is_open(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._buffer = rest
        if head.startswith(b"HTTP/1.1 101"):
            self.opened.set_result(None)
        else:
            self.opened.set_exception(ConnectionError(head[:80].decode("latin-1")))
        return self.opened.exception() is None

    def _frames(self) -> None:
        """Hand over every whole frame; servers send each in one piece."""
        data, at, total = self._buffer, 0, len(self._buffer)
        while total - at >= 2:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if total < begin + size:
                break
            self._frame(data[at] & 15, data[begin : begin + size])
            at = begin + size
        self._buffer = data[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self.on_text(self, payload)
        elif opcode == PING:
            self.transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big")
            self.transport.write(frame(CLOSE, payload[:2]))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed in the handshake"))


async def dial(
    address: Address, on_text: Callable[[Connection, bytes], None], *, received: int = 0
) -> Connection:
    """Open a line; `received` sizes the kernel's buffer of what nobody has read yet."""
    plain = socket.socket()
    plain.setblocking(False)
    if received:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(plain, (LOOPBACK, address.port))
    _, made = await loop.create_connection(lambda: Connection(address, on_text), sock=plain)
    async with asyncio.timeout(HANDSHAKE_SECONDS):
        await made.opened
    return made
