"""The sockets of conversations: visitors' and agents'."""

from conversations.consumers.agent import AgentSocket
from conversations.consumers.entry import endpoint
from conversations.consumers.visitor import VisitorSocket

__all__ = ["AgentSocket", "VisitorSocket", "endpoint"]
