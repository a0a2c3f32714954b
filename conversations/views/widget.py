"""The widget as a browser loads it: the script line's script, and the panel's page."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from conversations import selectors
from conversations.errors import OriginRefused
from conversations.models import WidgetInstallation
from conversations.origins import origin_is_allowed, origin_is_own
from conversations.types import TEXT_LIMIT
from conversations.views.files import upload_config
from conversations.views.look import palette_for
from conversations.widget_words import (
    PAGE_ONLY,
    RIGHT_TO_LEFT,
    language_of,
    launcher_words,
    words_in,
)
from tenants.selectors import tenant_current

LOADER = Path(settings.BASE_DIR) / "static" / "widget" / "loader.js"
SETTINGS_SLOT = re.compile(r"/\*settings\*/.*?/\*end\*/")
CALLS = ("session", "handover", "visitor", "form", "contact", "rating")


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
    return {
        "look": {"accent": palette.accent, "ink": palette.ink},
        "theme": widget.theme if widget else "auto",
        "name": _name(widget),
        "words": launcher_words(),
    }


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
    name, language = _name(widget), language_of(request)
    words = {key: text.replace("{name}", name) for key, text in words_in(language).items()}
    context = {
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "words": words,
        "theme": widget.theme,
        "tenant_name": name,
        "tenant_initials": "".join(word[0] for word in name.split()[:2]).upper(),
        "greeting": widget.greeting or words["greeting"],
        "suggestions": widget.suggestions,
        "config": _panel_config(widget, parent, language),
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


def _panel_config(widget: WidgetInstallation, parent: str, language: str) -> dict[str, Any]:
    palette = palette_for(widget.accent)
    words = words_in(language)
    return {
        "key": widget.key,
        "tenant": _name(widget),
        "parent_origin": parent,
        **{f"{call}_url": reverse(f"conversations:widget_{call}") for call in CALLS},
        "message_limit": TEXT_LIMIT,
        "asks_rating": widget.asks_rating,
        "attachments": upload_config(),
        "words": {key: text for key, text in words.items() if key not in PAGE_ONLY},
        "theme": {
            "accent": palette.accent,
            "accent-ink": palette.ink,
            "accent-shade": palette.shade,
        },
    }
