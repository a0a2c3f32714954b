"""Which pages may call the chat's interfaces from a browser: those that may show the widget."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from conversations import selectors
from conversations.origins import origin_is_own
from core import tenancy

# What a visitor's page needs for a chat of its own; nothing of the team's is opened.
OPENED = (
    *("/widget/session", "/widget/handover", "/widget/visitor", "/widget/form"),
    *("/widget/contact", "/widget/rating", "/api/v1/chat/"),
)


def origin_may_call(sender: Any, request: HttpRequest, **_: Any) -> bool:
    """Tell corsheaders whether a page of this origin may call across origins, without cookies.

    The workspace's own pages need no permission, and cost no query.
    """
    origin = request.headers.get("Origin", "")
    if not origin or tenancy.current() is None or not request.path.startswith(OPENED):
        return False
    return not origin_is_own(origin) and origin in selectors.widget_origins()
