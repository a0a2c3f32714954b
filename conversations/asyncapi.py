"""The AsyncAPI document of the sockets and the calls in their place, built from our frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conversations import frames
from conversations.types import PROTOCOL
from core.realtime.frames import Frame

Document = dict[str, Any]

CHANNELS = {
    "chat": ("/ws/chat/", "A visitor's conversation; subprotocol `token.<visitor token>`."),
    "inbox": (
        "/ws/inbox/",
        "The team's inbox; session cookie or `token.<API key or access token>`.",
    ),
    "events": ("/widget/events", "The chat as an event stream; the visitor token as bearer."),
    "poll": ("/widget/poll", "The chat by long poll; the visitor token as bearer."),
    "frames": ("/widget/frames", "What a visitor says beside a stream or poll, in a POST."),
}
SOCKETS = ("chat", "inbox")
TITLE = "Frontdesk sockets"
DESCRIPTION = (
    "JSON text frames, one object each, told apart by `type`. Unknown types and fields are refused "
    "from clients; clients ignore what they do not know. Order, resume, errors and close codes are "
    "described in protocol.md."
)


def document_build() -> Document:
    """Return the AsyncAPI 3 document as plain values."""
    sides = {
        "chat": (list(frames.VISITOR_FRAMES.models.values()), frames.VISITOR_HEARS),
        "inbox": (list(frames.AGENT_FRAMES.models.values()), frames.AGENT_HEARS),
        "events": ([], frames.VISITOR_HEARS),
        "poll": ([], frames.VISITOR_HEARS),
        "frames": (list(frames.VISITOR_SAYS.models.values()), frames.VISITOR_IS_ANSWERED),
    }
    everything = {model for said, heard in sides.values() for model in (*said, *heard)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": TITLE, "version": PROTOCOL, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"realtime": _server("wss"), "calls": _server("https")},
        "channels": {name: _channel(name, *sides[name]) for name in CHANNELS},
        "operations": _operations(sides),
        "components": _components(sorted(everything, key=lambda model: model.__name__)),
    }


def _server(protocol: str) -> Document:
    return {
        "host": "{workspace}.example.com",
        "protocol": protocol,
        "variables": {"workspace": {"description": "The workspace's host name."}},
    }


def _channel(name: str, said: Iterable[type[Frame]], heard: Iterable[type[Frame]]) -> Document:
    address, description = CHANNELS[name]
    names = sorted({model.__name__ for model in (*said, *heard)})
    return {
        "address": address,
        "description": description,
        "servers": [{"$ref": f"#/servers/{'realtime' if name in SOCKETS else 'calls'}"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operations(sides: dict[str, Any]) -> Document:
    """Return what our server receives from clients and sends to them, per channel."""
    found: Document = {}
    for channel, (said, heard) in sides.items():
        for action, models in (("receive", said), ("send", heard)):
            names = sorted(model.__name__ for model in models)
            if not names:
                continue
            found[f"{channel}_{action}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
            }
    return found


def _components(models: Iterable[type[Frame]]) -> Document:
    schemas: Document = {}
    messages: Document = {}
    for model in models:
        schema = model.model_json_schema(
            by_alias=True, ref_template="#/components/schemas/{model}", mode="serialization"
        )
        schemas |= schema.pop("$defs", {})
        schema["required"] = sorted({*schema.get("required", ()), "type"})
        schemas[model.__name__] = schema
        messages[model.__name__] = {
            "name": str(model.model_fields["type"].default),
            "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        }
    return {"messages": messages, "schemas": dict(sorted(schemas.items()))}
