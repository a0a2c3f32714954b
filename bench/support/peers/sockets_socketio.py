"""python-socketio with its Redis manager: a room, and an event that everyone in it hears.

No credential, nothing stored.
"""

from __future__ import annotations

import os
from typing import Any

import socketio

manager = socketio.AsyncRedisManager(os.environ["BENCH_REDIS_URL"])
server = socketio.AsyncServer(
    async_mode="asgi", client_manager=manager, transports=["websocket"], max_http_buffer_size=262144
)
rooms: dict[str, str] = {}


async def enter(sid: str, data: dict[str, Any]) -> None:
    rooms[sid] = data["room"]
    await server.enter_room(sid, data["room"])
    await server.emit("welcome", to=sid)


async def message(sid: str, data: dict[str, Any]) -> None:
    await server.emit("message", data, room=rooms[sid])


async def disconnect(sid: str) -> None:
    rooms.pop(sid, None)


for handler in (enter, message, disconnect):
    server.on(handler.__name__, handler)
application = socketio.ASGIApp(server)
