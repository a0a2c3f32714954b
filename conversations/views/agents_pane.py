"""What the inbox shows of the team: who is there, and whom a conversation can be given to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from conversations import selectors
from conversations.models import Conversation
from conversations.types import AgentLine, ConversationState


@dataclass(frozen=True, slots=True)
class Assignee:
    """Somebody a conversation can be given to, with what tells whether they have room."""

    id: str
    text: str
    is_current: bool


def assignable(conversation: Conversation) -> list[Assignee]:
    """Return whom a conversation can be given to, who is there first."""
    if conversation.state == ConversationState.RESOLVED:
        return []
    agents = sorted(selectors.agent_list(), key=lambda one: (not one.is_reachable, one.name))
    return [_assignee(agent, conversation.owner_id) for agent in agents]


def _assignee(agent: AgentLine, owner_id: UUID | None) -> Assignee:
    text = f"{agent.name} · {presence_text(agent)} · {agent.load}/{agent.capacity}"
    return Assignee(str(agent.person_id), text, agent.person_id == owner_id)


def presence_text(agent: AgentLine) -> str:
    """Return in a word whether somebody is there."""
    if not agent.is_present:
        return _("not here")
    return _("here") if agent.is_available else _("away")


def team_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the foot of the list shows: who is there, and whether conversations come."""
    agents = selectors.agent_list()
    mine = next((one for one in agents if one.person_id == request.user.pk), None)
    return {"agent_mine": mine, "agents_here": [one for one in agents if one.is_reachable]}
