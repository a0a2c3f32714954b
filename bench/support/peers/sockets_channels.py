"""Django Channels as its tutorial leaves it, over the PubSub layer of channels-redis.

The line says first which room it is in; whatever it says next goes to the room's group and from
there to everyone, its own line included. No credential, nothing stored.
"""

from __future__ import annotations

import json
import os
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["BENCH_REDIS_URL"]]},
        }
    }
)


class Room(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels is not typed
    room = ""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.room:
            self.room = json.loads(text_data or "")["room"]
            await self.channel_layer.group_add(self.room, self.channel_name)
            await self.send(text_data='{"type":"welcome"}')
            return
        await self.channel_layer.group_send(self.room, {"type": "said", "text": text_data})

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": Room.as_asgi()})
