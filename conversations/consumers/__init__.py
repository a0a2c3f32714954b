"""The connections of conversations, visitors' and agents', and where they come in."""

from conversations.consumers.agent import AgentConnection
from conversations.consumers.entry import endpoint
from conversations.consumers.visitor import VisitorConnection

__all__ = ["AgentConnection", "VisitorConnection", "endpoint"]
