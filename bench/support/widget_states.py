"""The states a visitor can see the widget in, each led to by what people would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import FrameLocator, Page

from bench.support.visits import Workspace
from bench.support.widget_page import Seen

QUESTION: Final = "How long do I have to return a jacket I already wore once?"
ANSWERED: Final = ".message[data-author=ai][data-seq]"
FORM: Final[list[dict[str, Any]]] = [
    {"id": "name", "kind": "text", "label": "Your name", "required": True},
    {"id": "email", "kind": "email", "label": "E-mail address"},
    {"id": "about", "kind": "select", "label": "What is it about?", "options": ["Order", "Return"]},
    {
        "id": "consent",
        "kind": "consent",
        "label": "I agree that what I write is stored.",
        "required": True,
    },
]


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor with an open panel, and the team they talk with."""

    page: Page
    panel: FrameLocator
    seen: Seen
    workspace: Workspace

    @property
    def conversation(self) -> str:
        """Return the conversation that the last session gave."""
        answers = [each for each in self.seen.responses if _is_session(each.url)]
        return str(answers[-1].json()["conversation_id"])


def _is_session(url: str) -> bool:
    return urlsplit(url).path == "/widget/session"


def ask(visit: Visit) -> None:
    """Ask what the documents answer, and wait for the answer with its sources."""
    visit.panel.locator("textarea#text").fill(QUESTION)
    visit.panel.locator("textarea#text").press("Enter")
    visit.panel.locator(ANSWERED).first.wait_for()


def want_a_person(visit: Visit) -> None:
    """Ask for a person while nobody has the inbox open: an address is asked for."""
    visit.panel.locator("#person").click()
    visit.panel.locator(".banner[data-kind=queued]").wait_for()
    visit.panel.locator("#card[data-kind=contact] form").wait_for()


def be_resolved(visit: Visit) -> None:
    """Have the team resolve the conversation: a rating is asked for."""
    path = f"/api/v1/conversations/{visit.conversation}/resolve"
    visit.workspace.ask("POST", path, {}, bearer=visit.workspace.agent_token())
    visit.panel.locator("#card[data-kind=rating] form").wait_for()


def rate(visit: Visit) -> None:
    """Choose four stars; the comment's field appears."""
    visit.panel.locator("label[for=score-4]").click()
    visit.panel.locator("#rating-comment").wait_for()


# In this order in one visit; "closed" and "open" come before.
STEPS: Final[dict[str, Callable[[Visit], None]]] = {
    "conversation": ask,
    "queued": want_a_person,
    "resolved": be_resolved,
    "rating": rate,
}


def be_told(visit: Visit) -> None:
    """Send the form as it is: each field that must be filled in says so."""
    visit.panel.locator("#card form button[type=submit]").click()
    visit.panel.locator("#card [aria-invalid=true]").first.wait_for()


# In another visit, to a widget that asks before the first message.
FORM_STEPS: Final[dict[str, Callable[[Visit], None]]] = {
    "form-faults": be_told,
}
