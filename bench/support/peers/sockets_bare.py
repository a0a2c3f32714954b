"""The ceiling: `websockets` alone. A room is a set in the process; no Redis, nobody is asked who.

The line says first which room it is in; whatever it says next, everyone in the room hears.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: dict[str, set[ServerConnection]] = {}


async def line(connection: ServerConnection) -> None:
    room = rooms.setdefault(json.loads(await connection.recv())["room"], set())
    room.add(connection)
    await connection.send('{"type":"welcome"}')
    try:
        async for text in connection:
            broadcast(room, text)
    finally:
        room.discard(connection)


async def main(port: int) -> None:
    # Lines end without a goodbye, thousands at once.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    options = {"compression": None, "ping_interval": 25, "max_size": 256 * 1024}
    async with serve(line, "127.0.0.1", port, **options):  # type: ignore[arg-type]  # one dict
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
