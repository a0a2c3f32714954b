"""The widget as a browser meets it: loader, panel, session, and the wish for a person."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any
from uuid import UUID

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors, services
from conversations.errors import ConversationNotFound, OriginRefused
from conversations.forms import HandoverBody, SessionBody, body_parse
from conversations.models import WidgetInstallation
from conversations.origins import origin_is_allowed, origin_is_own
from conversations.services.greeting import greeting_choose
from conversations.services.page import conversation_page_note
from conversations.types import TEXT_LIMIT
from conversations.views.files import upload_config
from conversations.views.look import palette_for
from conversations.widget_words import LAUNCHER, PANEL, texts
from core.errors import DomainError, Unauthenticated
from core.http import problem_response
from tenants.selectors import realtime_url, tenant_current
from tenants.throttle import attempt_count, client_address

View = Callable[[HttpRequest], HttpResponse]
LOADER = Path(settings.BASE_DIR) / "static" / "widget" / "loader.js"
SETTINGS_SLOT = re.compile(r"/\*settings\*/.*?/\*end\*/")
# Generous, because a whole office may share one address.
# Per address and workspace: an office or a school behind one address stays far below it.
SESSIONS_A_MINUTE = 3_000
HANDOVERS_A_MINUTE = 60


@require_safe
@gzip_page
def loader(request: HttpRequest) -> HttpResponse:
    """Serve the script line's script, with this workspace's look and words in it."""
    script = SETTINGS_SLOT.sub(lambda _: json.dumps(_launcher_settings()), _loader_source())
    etag = f'"{hashlib.sha256(script.encode()).hexdigest()[:20]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=300, stale-while-revalidate=86400"
    # Pages that isolate themselves (COEP) may load it too: it holds nothing private.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@cache
def _loader_source() -> str:
    """Return the loader without the indentation that only its readers need."""
    lines = LOADER.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines) + "\n"


def _launcher_settings() -> dict[str, Any]:
    widget = selectors.widget_current()
    palette = palette_for(widget.accent if widget else "")
    words = {**texts(LAUNCHER), "title": _title(widget)}
    return {"look": {"accent": palette.accent, "ink": palette.ink}, "words": words}


def _title(widget: WidgetInstallation | None) -> str:
    return _("Chat with %(name)s") % {"name": _name(widget)}


def _name(widget: WidgetInstallation | None) -> str:
    return (widget.title if widget else "") or tenant_current().name


@require_safe
@xframe_options_exempt
def panel(request: HttpRequest) -> HttpResponse:
    """Show the conversation's page, which only the widget's allowed origins may frame."""
    widget = selectors.widget_get(key=request.GET.get("key", ""))
    parent = request.GET.get("origin", "")
    if not origin_is_allowed(parent, widget.allowed_origins):
        raise OriginRefused()
    name = _name(widget)
    context = {
        "language": get_language(),
        "direction": "rtl" if get_language_bidi() else "ltr",
        "title": _title(widget),
        "tenant_name": name,
        "tenant_initials": "".join(word[0] for word in name.split()[:2]).upper(),
        "greeting": widget.greeting or _("Hello! How can we help?"),
        "suggestions": widget.suggestions,
        "config": _panel_config(request, widget, parent),
    }
    response = render(request, "widget/panel.html", context)
    response._csp_replace = {"frame-ancestors": _ancestors(widget, parent)}  # type: ignore[attr-defined]  # read by django-csp
    # Pictures of messages are fetched with the visitor's token and shown from memory.
    response._csp_update = {"img-src": ["blob:"]}  # type: ignore[attr-defined]  # read by django-csp
    response["Cache-Control"] = "no-store"
    return response


def _ancestors(widget: WidgetInstallation, parent: str) -> list[str]:
    """Return who may frame the panel: this host, the allowed pages, the workspace's other hosts."""
    own = [parent] if parent and origin_is_own(parent) else []
    return [SELF, *widget.allowed_origins, *own]


def _panel_config(request: HttpRequest, widget: WidgetInstallation, parent: str) -> dict[str, Any]:
    palette = palette_for(widget.accent)
    return {
        "key": widget.key,
        "tenant": _name(widget),
        "parent_origin": parent,
        "session_url": reverse("conversations:widget_session"),
        "handover_url": reverse("conversations:widget_handover"),
        "message_limit": TEXT_LIMIT,
        "attachments": upload_config(),
        "words": texts(PANEL),
        "theme": {
            "accent": palette.accent,
            "accent-ink": palette.ink,
            "accent-shade": palette.shade,
        },
    }


def answers_in_json(view: View) -> View:
    """Tell a script of what failed in JSON, whatever it says it accepts."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except DomainError as error:
            return problem_response(error, instance=request.path)

    return wrapped


@csrf_exempt
@require_POST
@answers_in_json
def session(request: HttpRequest) -> HttpResponse:
    """Let a visitor in: `{key, visitor_token?, page?}` gives token, conversation and socket,
    and the greeting where it is not the usual one.

    Exempt from CSRF because it reads no cookie; the Origin is checked against the widget's.
    """
    _brake(request, "widget_session", SESSIONS_A_MINUTE)
    body = body_parse(SessionBody, request.body)
    started = services.visitor_session_start(
        key=body.key, origin=request.headers.get("Origin", ""), visitor_token=body.visitor_token
    )
    if body.page.url:
        conversation_page_note(
            conversation_id=started.conversation_id, url=body.page.url, title=body.page.title
        )
    greeting = greeting_choose(session=started)
    return JsonResponse(
        {
            **({"greeting": greeting} if greeting else {}),
            "visitor_token": started.visitor_token,
            "conversation_id": str(started.conversation_id),
            "ws_url": f"{realtime_url(request.get_host())}/ws/chat/",
        }
    )


@csrf_exempt
@require_POST
@answers_in_json
def handover(request: HttpRequest) -> HttpResponse:
    """Put the visitor's conversation into the queue; the visitor token proves whose it is."""
    _brake(request, "widget_handover", HANDOVERS_A_MINUTE)
    origin = request.headers.get("Origin", "")
    widget = selectors.widget_current()
    if not origin_is_allowed(origin, widget.allowed_origins if widget else ()):
        raise OriginRefused()
    body = body_parse(HandoverBody, request.body)
    conversation_id = _own_conversation(_bearer(request), body.conversation_id)
    conversation = services.handover_request(
        conversation_id=conversation_id, fence=None, reason="visitor_request"
    )
    return JsonResponse({"conversation_id": str(conversation.pk), "state": conversation.state})


def _own_conversation(visitor_token: str, wanted: str) -> UUID:
    """Return the id if the conversation is the visitor's; raises ConversationNotFound if not."""
    customer = services.visitor_authenticate(visitor_token=visitor_token)
    try:
        conversation = selectors.conversation_get(conversation_id=UUID(wanted))
    except ValueError:
        raise ConversationNotFound() from None
    if conversation.customer_id != customer.pk:
        raise ConversationNotFound()
    return conversation.pk


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated()
    return token.strip()


def _brake(request: HttpRequest, kind: str, limit: int) -> None:
    subject = client_address(request)
    attempt_count(kind=kind, subject=subject, limit=limit, seconds=60, fails_closed=False)
