"""Signs of life: each background process says in Redis, every few seconds, that its loop turns."""

from __future__ import annotations

import os
import socket
import time

from core.redis import redis_client

SECONDS_BETWEEN = 3.0
SECONDS_ALIVE = 20.0
_written_at: dict[str, float] = {}


def heartbeat_touch(component: str) -> None:
    """Record that `component` is alive; cheap to call often, written every few seconds."""
    now = time.monotonic()
    if now - _written_at.get(component, float("-inf")) < SECONDS_BETWEEN:
        return
    _written_at[component] = now
    wall = time.time()
    pipeline = redis_client().pipeline(transaction=False)
    pipeline.zadd(_key(component), {_who(): wall})
    pipeline.zremrangebyscore(_key(component), "-inf", wall - SECONDS_ALIVE)
    pipeline.execute()


def heartbeat_clear(component: str) -> None:
    """Take this process's sign of life back, at an orderly end."""
    _written_at.pop(component, None)
    redis_client().zrem(_key(component), _who())


def heartbeats_alive(component: str) -> int:
    """Return how many processes of `component` gave a sign of life lately."""
    count = redis_client().zcount(_key(component), time.time() - SECONDS_ALIVE, "+inf")
    return int(count)


def _key(component: str) -> str:
    return f"fd:platform:heartbeat:{component}"


def _who() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"
