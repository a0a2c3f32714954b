"""The greeting experiment: which words a new visitor sees, and whether they then wrote."""

from __future__ import annotations

from uuid import UUID

from conversations import selectors
from conversations.flags import GREETING, GREETINGS
from conversations.types import VisitorSession
from tenants import flags


def greeting_choose(*, session: VisitorSession) -> str:
    """Return the greeting of the visitor's variant, "" for the usual one; logs the exposure.

    Only visitors who have said nothing yet take part, and only while the widget has no greeting of
    the workspace's own: what a business chose is not experimented with.
    """
    if not flags.is_running(GREETING.name):
        return ""
    widget = selectors.widget_current()
    position = selectors.position_get(conversation_id=session.conversation_id)
    if widget is None or widget.greeting or position.seq:
        return ""
    picked = flags.variant(GREETING.name, subject=session.customer_id.hex)
    return str(GREETINGS.get(picked, ""))


def greeting_answered(*, customer_id: UUID) -> None:
    """Note that a visitor wrote their first message. Idempotent."""
    flags.outcome_record(GREETING.name, subject=customer_id.hex)
