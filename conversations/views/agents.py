"""Pages of the team as agents: giving conversations, being away, capacity and queues."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors, services
from conversations.errors import CapacityInvalid, SkillsInvalid
from conversations.forms import AgentForm, AssignForm, AvailabilityForm
from conversations.support_preferences import AssignmentRules
from conversations.views.agents_pane import presence_text, team_context
from conversations.views.fragments import after_action, person_id_of
from core.errors import ValidationFailed
from core.http import prefers_problem
from tenants.permissions import requires, scopes_for
from tenants.preferences import values_for


@require_POST
@requires("conversations:write")
def assign(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Give the conversation to somebody of the team."""
    services.conversation_assign(
        conversation_id=conversation_id,
        person_id=person_id_of(request),
        assignee_id=AssignForm(request.POST).require(),
    )
    return after_action(request, conversation_id)


@require_POST
@requires("conversations:write")
def requeue(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Put the conversation back into its queue."""
    services.conversation_requeue(conversation_id=conversation_id, person_id=person_id_of(request))
    return after_action(request, conversation_id)


@require_safe
@requires("conversations:read")
def team(request: HttpRequest) -> HttpResponse:
    """Give the foot of the list alone, for the page's script."""
    return render(request, "conversations/team.html", team_context(request))


@require_POST
@requires("conversations:write")
def availability(request: HttpRequest) -> HttpResponse:
    """Let conversations come to who asks, or not."""
    services.availability_set(
        person_id=person_id_of(request), is_available=AvailabilityForm(request.POST).require()
    )
    services.queue_assign()
    return team_or_inbox(request)


def team_or_inbox(request: HttpRequest) -> HttpResponse:
    """Answer the page's script with the foot of the list, a plain form with the inbox."""
    if prefers_problem(request):
        return render(request, "conversations/team.html", team_context(request))
    return redirect("conversations:inbox")


@require_safe
@requires("conversations:read")
def agents(request: HttpRequest) -> HttpResponse:
    """Show who may answer, who is there, what they have, and which queues they serve."""
    return render(request, "conversations/agents.html", _agents_context(request))


def _agents_context(request: HttpRequest) -> dict[str, Any]:
    return {
        "agents": [(agent, presence_text(agent)) for agent in selectors.agent_list()],
        "rules": values_for(AssignmentRules),
        "may_edit": "settings:write" in scopes_for(request),
    }


@require_POST
@requires("settings:write")
def agent(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Change somebody's capacity and queues."""
    try:
        services.agent_update(person_id=person_id, changes=AgentForm(request.POST).require())
    except (CapacityInvalid, SkillsInvalid, ValidationFailed) as error:
        messages.error(request, str(error.detail))
    else:
        services.queue_assign()
        messages.success(request, _("Saved."))
    return redirect("conversations:agents")
