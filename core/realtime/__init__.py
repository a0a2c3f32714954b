"""Sockets: frames, fan-out over one Redis subscription per process, bounded queues, resume."""

from core.realtime.publishing import broadcast, group_name

__all__ = ["broadcast", "group_name"]
