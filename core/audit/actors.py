"""Who acts now: entry points say how to find out, `act_record` asks when something is recorded."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.audit.types import Actor, ActorKind

ActorSource = Callable[[], Actor]
_source: ContextVar[ActorSource | None] = ContextVar("frontdesk_actor", default=None)


@contextmanager
def actor_scope(source: ActorSource) -> Iterator[None]:
    """Let `source` say who acts within the block; it is asked when an act is recorded.

    A REST caller is known only once the view has authenticated, hence a source and not a value.
    """
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def actor_current() -> Actor:
    """Return who acts; outside every `actor_scope` (tasks, commands) it is the system."""
    source = _source.get()
    return source() if source else Actor(ActorKind.SYSTEM)


def network_of(address: str) -> str:
    """Return the network of an address, /24 or /48: tells where from, not which person."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
