"""The inbox's views, shortcuts and words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.types import ConversationState, Priority
from conversations.views.files import UPLOAD_WORDS


@dataclass(frozen=True, slots=True)
class InboxView:
    """One of the lists an agent can look at, with what it says when it is empty."""

    key: str
    label: Promise
    icon: str
    states: tuple[ConversationState, ...]
    empty_title: Promise
    empty_text: Promise
    is_mine: bool = False
    is_mentions: bool = False
    is_due: bool = False
    snoozed: bool = False

    @property
    def is_queue(self) -> bool:
        return self.key == "queue"

    @property
    def order(self) -> tuple[str, ...]:
        """Return how the list is ordered: by what is to be done next, or the latest first."""
        if self.is_queue:
            return ("-priority", "queued_at", "pk")
        return ("due_at", "pk") if self.is_due else ("-last_message_at", "-pk")


VIEWS = (
    InboxView(
        key="queue",
        label=_("Unassigned"),
        icon="check-circle",
        states=(ConversationState.QUEUED,),
        empty_title=_("Nobody is waiting"),
        empty_text=_("When a visitor asks for a person, they appear here at once."),
    ),
    InboxView(
        key="mine",
        label=_("Mine"),
        icon="hand",
        states=(ConversationState.ASSIGNED,),
        empty_title=_("You have no conversations"),
        empty_text=_("Claim one from “Unassigned”, or take one over from the AI under “All”."),
        is_mine=True,
    ),
    InboxView(
        key="mentions",
        label=_("Mentions"),
        icon="user",
        states=(),
        empty_title=_("Nobody has mentioned you"),
        empty_text=_("When a note says @ and your name, its conversation appears here."),
        is_mentions=True,
    ),
    InboxView(
        key="due",
        label=_("Due"),
        icon="bell",
        states=(),
        empty_title=_("Nothing is due"),
        empty_text=_("What a service level promises stands here, the next to be late first."),
        is_due=True,
    ),
    InboxView(
        key="all",
        label=_("All"),
        icon="chat",
        states=(
            ConversationState.AI,
            ConversationState.QUEUED,
            ConversationState.ASSIGNED,
        ),
        empty_title=_("No open conversations"),
        empty_text=_("Put the widget on your site; what visitors ask shows up here."),
    ),
    InboxView(
        key="snoozed",
        label=_("Snoozed"),
        icon="clock",
        states=(),
        empty_title=_("Nothing is put off"),
        empty_text=_("What you snooze waits here until its time, or until the visitor writes."),
        snoozed=True,
    ),
    InboxView(
        key="resolved",
        label=_("Resolved"),
        icon="check",
        states=(ConversationState.RESOLVED,),
        empty_title=_("Nothing resolved yet"),
        empty_text=_("Conversations that are done stay here, and can be searched."),
    ),
)


PRIORITY_LABELS: dict[Priority, Promise] = {
    Priority.NONE: _("None"),
    Priority.LOW: _("Low"),
    Priority.MEDIUM: _("Medium"),
    Priority.HIGH: _("High"),
    Priority.URGENT: _("Urgent"),
}
PRIORITY_TONES = {Priority.HIGH: "warning", Priority.URGENT: "danger"}
SNOOZE_LABELS: dict[str, Promise] = {
    "1h": _("For an hour"),
    "4h": _("For four hours"),
    "1d": _("For a day"),
    "7d": _("For a week"),
}


def view_for(key: str) -> InboxView:
    """Return the view of that key, the first one for any other."""
    return next((view for view in VIEWS if view.key == key), VIEWS[0])


def shortcuts() -> list[dict[str, object]]:
    """Return the keyboard shortcuts as the help shows them."""
    return [
        {"keys": ["j", "k"], "text": _("Next and previous conversation")},
        {"keys": ["Enter"], "text": _("Open the conversation")},
        {"keys": ["c"], "text": _("Claim, or take over from the AI")},
        {"keys": ["r"], "text": _("Write a reply")},
        {"keys": ["n"], "text": _("Write a note to the team")},
        {"keys": ["e"], "text": _("Resolve")},
        {"keys": ["/"], "text": _("Search")},
        {"keys": ["/"], "text": _("In a reply: canned replies")},
        {"keys": ["Esc"], "text": _("Leave the field or the dialog")},
        {"keys": ["?"], "text": _("Show this list")},
    ]


def words() -> dict[str, str]:
    """Return what the inbox's script says."""
    texts = {
        **UPLOAD_WORDS,
        "sending": _("Sending…"),
        "failed": _("Not sent"),
        "typing": _("{name} is typing"),
        "saved": _("Saved"),
        "canned": _("{count} canned replies; the arrow keys choose, Enter fills in"),
        "viewing.one": _("{names} is also looking at this conversation"),
        "viewing.other": _("{names} are also looking at this conversation"),
        "writing": _("{name} is writing a reply"),
        "trouble": _("That did not work. Please try again."),
        "line_up": _("Live"),
        "line_down": _("No connection. Trying again; the list is refreshed now and then."),
    }
    return {key: str(text) for key, text in texts.items()}
