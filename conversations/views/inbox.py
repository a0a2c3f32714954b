"""The agents' inbox: three panes, fragments of them, and what an agent can do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors, services
from conversations.forms import ReplyForm
from conversations.models import Conversation
from conversations.types import TEXT_LIMIT, ConversationState
from conversations.views.choices import VIEWS, InboxView, shortcuts, view_for, words
from conversations.views.panes import customer_face, face_of, line_of, opened_of, row_of
from core.http import prefers_problem
from tenants.permissions import requires, scopes_for
from tenants.selectors import realtime_url

ROWS = 100
MESSAGES = 200


@require_safe
@requires("conversations:read")
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the inbox with nothing open."""
    return render(request, "conversations/inbox.html", _page(request))


@require_safe
@requires("conversations:read")
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show the inbox with one conversation open."""
    found = selectors.conversation_get(conversation_id=conversation_id)
    after = max(0, found.seq - MESSAGES)
    context = {
        **_page(request),
        **_opened(request, found, after=after),
        "opened_id": str(found.pk),
        "has_earlier": after > 0,
        "client_id": f"form-{secrets.token_hex(8)}",
        "message_limit": TEXT_LIMIT,
        "me": face_of(request.membership.person.display_name, str(request.user.pk)),  # type: ignore[attr-defined]  # set by MembershipMiddleware
    }
    return render(request, "conversations/inbox.html", context)


@require_safe
@requires("conversations:read")
def rows(request: HttpRequest) -> HttpResponse:
    """Give the list alone, for the page's script."""
    return render(request, "conversations/rows.html", _rows(request))


@require_safe
@requires("conversations:read")
def updates(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Give what is new in a conversation since the message `after`, for the page's script."""
    return _updates(request, conversation_id)


@require_POST
@requires("conversations:write")
def reply(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Say something to the visitor."""
    form = ReplyForm(request.POST)
    services.agent_reply(
        conversation_id=conversation_id, person_id=_person_id(request), **form.require()
    )
    return _after_action(request, conversation_id)


@require_POST
@requires("conversations:write")
def claim(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Take the conversation; whoever comes second is told who has it."""
    return _act(request, conversation_id, services.conversation_claim)


@require_POST
@requires("conversations:write")
def hand_back(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Let the AI answer again."""
    return _act(request, conversation_id, services.conversation_hand_back)


@require_POST
@requires("conversations:write")
def resolve(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Close the conversation."""
    return _act(request, conversation_id, services.conversation_resolve)


def _act(
    request: HttpRequest, conversation_id: UUID, service: Callable[..., Conversation]
) -> HttpResponse:
    service(conversation_id=conversation_id, person_id=_person_id(request))
    return _after_action(request, conversation_id)


def _after_action(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Answer the page's script with what is new, a plain form with the page."""
    if prefers_problem(request):
        return _updates(request, conversation_id)
    return HttpResponseRedirect(reverse("conversations:conversation", args=[conversation_id]))


def _updates(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    found = selectors.conversation_get(conversation_id=conversation_id)
    context = _opened(request, found, after=_after(request))
    return render(request, "conversations/updates.html", context)


def _after(request: HttpRequest) -> int:
    value = request.GET.get("after", "0")
    return int(value) if value.isdecimal() and len(value) < 10 else 0


def _person_id(request: HttpRequest) -> UUID:
    return UUID(str(request.user.pk))


def _page(request: HttpRequest) -> dict[str, Any]:
    return {
        **_rows(request),
        "socket_url": f"{realtime_url(request.get_host())}/ws/inbox/",
        "words": words(),
        "shortcuts": shortcuts(),
    }


def _opened(request: HttpRequest, found: Conversation, *, after: int) -> dict[str, Any]:
    customer = customer_face(found)
    said = selectors.message_list(conversation_id=found.pk, after=after, limit=MESSAGES)
    may_write = "conversations:write" in scopes_for(request)
    return {
        "opened": opened_of(found, person_id=_person_id(request), may_write=may_write),
        "messages_shown": [line_of(message, customer=customer) for message in said],
        "back_url": _inbox_url(view_for(request.GET.get("view", ""))),
    }


def _rows(request: HttpRequest) -> dict[str, Any]:
    view = view_for(request.GET.get("view", ""))
    query = request.GET.get("q", "")[:100]
    found = list(_conversations(request, view, query)[: ROWS + 1])
    suffix = f"?{urlencode({'view': view.key})}"
    return {
        "view": view,
        "query": query,
        "views": _view_links(request, view),
        "rows": [row_of(item, url=_conversation_url(item) + suffix) for item in found[:ROWS]],
        "has_more": len(found) > ROWS,
    }


def _conversations(request: HttpRequest, view: InboxView, query: str) -> QuerySet[Conversation]:
    owner_id = _person_id(request) if view.is_mine else None
    # Whoever searches looks for a conversation wherever it is.
    states = () if query else view.states
    found = selectors.conversation_list(
        states=states, owner_id=None if query else owner_id, query=query
    )
    return found.order_by("queued_at", "pk") if view.is_queue and not query else found


def _view_links(request: HttpRequest, current: InboxView) -> Sequence[dict[str, Any]]:
    counts = selectors.conversation_counts()
    mine = selectors.conversation_list(
        states=[ConversationState.ASSIGNED], owner_id=_person_id(request)
    )
    shown = {"queue": counts[ConversationState.QUEUED], "mine": mine.count()}
    return [
        {
            "key": view.key,
            "label": view.label,
            "url": _inbox_url(view),
            "is_current": view == current,
            "is_urgent": view.is_queue,
            "count": shown.get(view.key),
        }
        for view in VIEWS
    ]


def _inbox_url(view: InboxView) -> str:
    return f"{reverse('conversations:inbox')}?{urlencode({'view': view.key})}"


def _conversation_url(found: Conversation) -> str:
    return reverse("conversations:conversation", args=[found.pk])
