"""What every act in the inbox answers with: the fragments that changed, or the page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from conversations import selectors
from conversations.models import Conversation
from conversations.views.agents_pane import assignable
from conversations.views.choices import InboxView, view_for
from conversations.views.panes import customer_face, line_of, opened_of
from conversations.views.triage_pane import triage_context
from core.http import prefers_problem
from tenants.permissions import scopes_for

MESSAGES = 200


def after_action(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Answer the page's script with what is new, a plain form with the page."""
    if prefers_problem(request):
        return updates_render(request, conversation_id)
    return HttpResponseRedirect(reverse("conversations:conversation", args=[conversation_id]))


def updates_render(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    found = selectors.conversation_get(conversation_id=conversation_id)
    context = opened_context(request, found, after=_after(request))
    return render(request, "conversations/updates.html", context)


def _after(request: HttpRequest) -> int:
    value = request.GET.get("after", "0")
    return int(value) if value.isdecimal() and len(value) < 10 else 0


def person_id_of(request: HttpRequest) -> UUID:
    return UUID(str(request.user.pk))


def opened_context(request: HttpRequest, found: Conversation, *, after: int) -> dict[str, Any]:
    customer = customer_face(found)
    said = selectors.message_list(conversation_id=found.pk, after=after, limit=MESSAGES)
    may_write = "conversations:write" in scopes_for(request)
    return {
        "opened": opened_of(
            found,
            person_id=person_id_of(request),
            may_write=may_write,
            rating=selectors.rating_last(conversation_id=found.pk),
        ),
        "messages_shown": [line_of(message, customer=customer) for message in said],
        "back_url": inbox_url(view_for(request.GET.get("view", ""))),
        "may_write": may_write,
        **triage_context(found, person_id=person_id_of(request)),
        "assignable": assignable(found) if may_write else [],
    }


def inbox_url(view: InboxView) -> str:
    return f"{reverse('conversations:inbox')}?{urlencode({'view': view.key})}"
