"""What each event means for the activity projection: a pure mapping."""

from functools import singledispatch
from uuid import UUID

from analytics.types import Kind
from core.events import catalogue

PROJECTED = (
    catalogue.MessageReceived,
    catalogue.ReplyAppended,
    catalogue.AgentReplied,
    catalogue.HandoverRequested,
    catalogue.ConversationResolved,
)


@singledispatch
def activity_of(event: catalogue.Event) -> tuple[Kind, UUID] | None:
    """Return what an event counts as and for which conversation, or None."""
    return None


@activity_of.register
def _received(event: catalogue.MessageReceived) -> tuple[Kind, UUID]:
    return Kind.VISITOR_MESSAGE, event.conversation_id


@activity_of.register
def _answered(event: catalogue.ReplyAppended) -> tuple[Kind, UUID]:
    return Kind.AI_REPLY, event.conversation_id


@activity_of.register
def _agent_replied(event: catalogue.AgentReplied) -> tuple[Kind, UUID]:
    return Kind.AGENT_REPLY, event.conversation_id


@activity_of.register
def _handed_over(event: catalogue.HandoverRequested) -> tuple[Kind, UUID]:
    return Kind.HANDOVER, event.conversation_id


@activity_of.register
def _resolved(event: catalogue.ConversationResolved) -> tuple[Kind, UUID]:
    return Kind.RESOLVED, event.conversation_id
