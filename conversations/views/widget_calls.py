"""What the panel asks of the server: a session, a person, what visitors say of themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conversations import selectors, services
from conversations.asking import fields_of
from conversations.forms import (
    ContactBody,
    FormBody,
    HandoverBody,
    RatingBody,
    SessionBody,
    VisitorBody,
    body_parse,
)
from conversations.models import Conversation, Customer
from conversations.reachability import person_is_reachable
from conversations.services.greeting import greeting_choose
from conversations.services.page import conversation_page_note
from conversations.types import ConversationState, VisitorSession
from conversations.views.widget_doors import (
    answers_in_json,
    brake,
    own_conversation,
    visitors_door,
)
from tenants.selectors import realtime_http_url, realtime_url

# Per address and workspace: an office or a school behind one address stays far below it.
SESSIONS_A_MINUTE = 3_000
CALLS_A_MINUTE = 600
HANDOVERS_A_MINUTE = 300
RATINGS_A_MINUTE = 60
EARLIER_SHOWN = 10
UNRATED_FOR = timedelta(days=2)


@csrf_exempt
@require_POST
@answers_in_json
def session(request: HttpRequest) -> HttpResponse:
    """Let a visitor in: `{key, visitor_token?, user_token?, page?}` gives token, conversation and
    socket, and with them whatever there is to show or to ask at first.

    Exempt from CSRF because it reads no cookie; the Origin is checked against the widget's.
    """
    brake(request, "widget_session", SESSIONS_A_MINUTE)
    body = body_parse(SessionBody, request.body)
    started = services.visitor_session_start(
        key=body.key,
        origin=request.headers.get("Origin", ""),
        visitor_token=body.visitor_token,
        user_token=body.user_token,
    )
    if body.page.url:
        conversation_page_note(
            conversation_id=started.conversation_id, url=body.page.url, title=body.page.title
        )
    return JsonResponse(
        {
            **_openings(
                started, key=body.key, is_known=bool(body.visitor_token or body.user_token)
            ),
            "visitor_token": started.visitor_token,
            "conversation_id": str(started.conversation_id),
            "ws_url": f"{realtime_url(request.get_host())}/ws/chat/",
            "http_url": f"{realtime_http_url(request.get_host())}/widget/",
        }
    )


def _openings(started: VisitorSession, *, key: str, is_known: bool) -> dict[str, Any]:
    """Return what this visitor finds besides an empty conversation; nothing for most."""
    conversation = selectors.conversation_get(conversation_id=started.conversation_id)
    found = {
        "greeting": greeting_choose(session=started),
        "identified": started.is_identified,
        "form": _form(conversation, key=key),
        **(_history(conversation) if is_known else {}),
    }
    return {name: value for name, value in found.items() if value}


def _form(conversation: Conversation, *, key: str) -> list[dict[str, Any]]:
    """Return the fields to ask before the first message."""
    if conversation.seq or "form" in conversation.context:
        return []
    fields = fields_of(selectors.widget_get(key=key).form)
    asked = selectors.fields_open(conversation.customer, fields)
    return [field.model_dump(mode="json") for field in asked]


def _history(conversation: Conversation) -> dict[str, Any]:
    """Return what somebody who was here before may go back to, and what they have not rated."""
    earlier = selectors.conversations_earlier(
        customer_id=conversation.customer_id, besides=conversation.pk, limit=EARLIER_SHOWN
    )
    has_resolved = any(each.state == ConversationState.RESOLVED for each in earlier)
    unrated = None
    if has_resolved and not conversation.seq:
        unrated = selectors.conversation_unrated(
            customer_id=conversation.customer_id, since=timezone.now() - UNRATED_FOR
        )
    return {
        "earlier": [
            {"id": str(each.pk), "preview": each.preview, "at": each.last_message_at.isoformat()}
            for each in earlier
            if each.last_message_at
        ],
        "unrated": str(unrated.pk) if unrated else "",
    }


@visitors_door(kind="widget_handover", a_minute=HANDOVERS_A_MINUTE)
def handover(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Put the visitor's conversation into the queue, and say whether anybody is there."""
    body = body_parse(HandoverBody, request.body)
    conversation = services.handover_request(
        conversation_id=own_conversation(customer, body.conversation_id),
        fence=None,
        reason="visitor_request",
    )
    return JsonResponse(
        {
            "conversation_id": str(conversation.pk),
            "state": conversation.state,
            "reachable": conversation.state == ConversationState.ASSIGNED or person_is_reachable(),
            "contact_known": bool(customer.email or conversation.context.get("contact")),
        }
    )


@visitors_door(kind="widget_visitor", a_minute=CALLS_A_MINUTE)
def visitor(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Note what the page says of its visitor: `{attributes?, name?, email?}`."""
    body = body_parse(VisitorBody, request.body)
    if body.name or body.email:
        services.contact_claim(customer_id=customer.pk, name=body.name, email=body.email)
    kept = services.attributes_note(customer_id=customer.pk, attributes=body.attributes)
    return JsonResponse({"attributes": kept})


@visitors_door(kind="widget_form", a_minute=CALLS_A_MINUTE)
def form(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Take the answers to the form before the first message."""
    body = body_parse(FormBody, request.body)
    conversation_id = own_conversation(customer, body.conversation_id)
    services.form_answer(conversation_id=conversation_id, answers=body.answers)
    return JsonResponse({"conversation_id": str(conversation_id)})


@visitors_door(kind="widget_contact", a_minute=CALLS_A_MINUTE)
def contact(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Take where to answer a visitor whom nobody can answer now."""
    body = body_parse(ContactBody, request.body)
    conversation_id = own_conversation(customer, body.conversation_id)
    services.contact_leave(conversation_id=conversation_id, name=body.name, email=body.email)
    return JsonResponse({"conversation_id": str(conversation_id)})


@visitors_door(kind="widget_rating", a_minute=RATINGS_A_MINUTE)
def rating(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Take how the visitor found a resolved conversation."""
    body = body_parse(RatingBody, request.body)
    conversation_id = own_conversation(customer, body.conversation_id)
    given = services.rating_give(
        conversation_id=conversation_id, score=body.score, comment=body.comment
    )
    return JsonResponse({"conversation_id": str(conversation_id), "score": given.score})
