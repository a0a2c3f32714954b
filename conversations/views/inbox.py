"""The agents' inbox: three panes, fragments of them, and what an agent can do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors, services
from conversations.forms import ReplyForm
from conversations.models import Conversation
from conversations.searching import Cursor, conversations_search
from conversations.types import LABEL_LENGTH, TEXT_LIMIT, ConversationState
from conversations.views.agents_pane import team_context
from conversations.views.choices import VIEWS, InboxView, shortcuts, view_for, words
from conversations.views.files import upload_config
from conversations.views.fragments import (
    MESSAGES,
    after_action,
    inbox_url,
    opened_context,
    person_id_of,
    updates_render,
)
from conversations.views.panes import face_of, found_row, row_of
from tenants.permissions import requires
from tenants.selectors import realtime_url

ROWS = 100
FOUND = 50
QUERY_LENGTH = 100


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
        **opened_context(request, found, after=after),
        "opened_id": str(found.pk),
        "has_earlier": after > 0,
        "client_id": f"form-{secrets.token_hex(8)}",
        "message_limit": TEXT_LIMIT,
        "uploads": upload_config(),
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
    return updates_render(request, conversation_id)


@require_POST
@requires("conversations:write")
def reply(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Say something to the visitor."""
    form = ReplyForm(request.POST)
    services.agent_reply(
        conversation_id=conversation_id, person_id=person_id_of(request), **form.require()
    )
    return after_action(request, conversation_id)


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
    service(conversation_id=conversation_id, person_id=person_id_of(request))
    return after_action(request, conversation_id)


def _page(request: HttpRequest) -> dict[str, Any]:
    return {
        **_rows(request),
        "socket_url": f"{realtime_url(request.get_host())}/ws/inbox/",
        "words": words(),
        "shortcuts": shortcuts(),
        **team_context(request),
    }


def _rows(request: HttpRequest) -> dict[str, Any]:
    view = view_for(request.GET.get("view", ""))
    query = request.GET.get("q", "")[:QUERY_LENGTH]
    label = request.GET.get("label", "")[:LABEL_LENGTH]
    listed = _found(request, view, query, label) if query else _listed(request, view, label)
    return {
        "view": view,
        "query": query,
        "label": label,
        "views": _view_links(request, view),
        **listed,
    }


def _found(request: HttpRequest, view: InboxView, query: str, label: str) -> dict[str, Any]:
    """Search everything: whoever searches looks for a conversation wherever it is."""
    cursor = request.GET.get("cursor", "")
    page = conversations_search(
        query=query,
        label=label,
        cursor=Cursor.read(cursor) if cursor else None,
        limit=FOUND,
    )
    asked = {"view": view.key, "q": query}
    more = urlencode({**asked, "label": label, "cursor": str(page.next)}) if page.next else ""
    return {
        "rows": [found_row(found, url=_url(found.conversation, asked)) for found in page.results],
        "more_url": f"{reverse('conversations:inbox')}?{more}" if more else "",
        "cursor": cursor,
    }


def _listed(request: HttpRequest, view: InboxView, label: str) -> dict[str, Any]:
    person_id = person_id_of(request)
    found = selectors.conversation_list(
        states=view.states,
        owner_id=person_id if view.is_mine else None,
        label=label,
        mentions=person_id if view.is_mentions else None,
        is_due=view.is_due,
        snoozed=None if view.is_mentions or view.key == "resolved" else view.snoozed,
    )
    rows = list(found.order_by(*view.order)[: ROWS + 1])
    return {
        "rows": [row_of(item, url=_url(item, {"view": view.key})) for item in rows[:ROWS]],
        "has_more": len(rows) > ROWS,
    }


def _view_links(request: HttpRequest, current: InboxView) -> Sequence[dict[str, Any]]:
    counts = selectors.conversation_counts()
    mine = selectors.conversation_list(
        states=[ConversationState.ASSIGNED], owner_id=person_id_of(request), snoozed=False
    )
    shown = {"queue": counts[ConversationState.QUEUED], "mine": mine.count()}
    return [
        {
            "key": view.key,
            "label": view.label,
            "url": inbox_url(view),
            "is_current": view == current,
            "is_urgent": view.is_queue,
            "count": shown.get(view.key),
        }
        for view in VIEWS
    ]


def _url(found: Conversation, asked: Mapping[str, str]) -> str:
    """Return where a conversation opens beside the list it was found in."""
    return f"{reverse('conversations:conversation', args=[found.pk])}?{urlencode(asked)}"
