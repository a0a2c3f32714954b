"""Publish a frame to every connection that follows a group, in whatever process it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import redis
import structlog

from core import tenancy
from core.observability.metrics import ws_send_errors
from core.realtime.hub import deliver_here
from core.realtime.wire import NOBODY, Packet, frame_text, packet_encode
from core.redis import redis_client

log = structlog.get_logger(__name__)


def group_name(kind: str, identifier: UUID | str = "all") -> str:
    """Return the channel of a group; it carries the tenant, so groups never meet."""
    return tenancy.tenant_key("rt", kind, str(identifier))


def broadcast(
    group: str,
    frame: Mapping[str, Any],
    *,
    durable: bool,
    slight: bool = False,
    skip: str = NOBODY,
) -> None:
    """Send `frame` to everyone who follows `group`; call it once the change has committed.

    Never raises for a lost Redis: then this process's own connections hear it, and the others check
    their position against the database, which holds what is durable, at their next heartbeat.
    `slight` frames are the first to go when a reader is slow; `skip` is the connection that need
    not hear it.
    """
    seq = int(frame.get("seq") or 0) if durable else 0
    packet = Packet(frame_text(frame), durable, seq, skip, slight)
    data = packet_encode(packet)
    try:
        redis_client().publish(group, data)
    except redis.RedisError:
        deliver_here(group, data)
        ws_send_errors.labels(reason="redis").inc()
        log.warning("broadcast_failed", frame_type=frame.get("type"))
