"""The first steps of a workspace: each app says how far it is, the home page shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """A step: what to do, where, and a callable that tells (in tenant scope) if it is done."""

    key: str
    title: str | Promise
    description: str | Promise
    action: str | Promise
    url_name: str
    is_done: Callable[[], bool]
    scope: str = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class ChecklistStep:
    """A step as one person sees it now."""

    key: str
    title: str | Promise
    description: str | Promise
    action: str | Promise
    url: str
    is_done: bool
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Checklist:
    """All steps with their progress."""

    steps: tuple[ChecklistStep, ...]

    @property
    def done(self) -> int:
        """Return how many steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def total(self) -> int:
        """Return how many steps there are."""
        return len(self.steps)

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.done == self.total

    @property
    def next_key(self) -> str:
        """Return the key of the first step still open and allowed, or an empty string."""
        return next((s.key for s in self.steps if not s.is_done and s.is_allowed), "")


_items: dict[str, ChecklistItem] = {}


def register(item: ChecklistItem) -> None:
    """Add or replace a step."""
    _items[item.key] = item


def checklist_for(*, scopes: frozenset[str]) -> Checklist:
    """Return the steps with their state; each app's callable makes at most one query."""
    ordered = sorted(_items.values(), key=lambda item: (item.order, item.key))
    return Checklist(tuple(_step(item, scopes) for item in ordered))


def _step(item: ChecklistItem, scopes: frozenset[str]) -> ChecklistStep:
    return ChecklistStep(
        key=item.key,
        title=item.title,
        description=item.description,
        action=item.action,
        url=reverse(item.url_name),
        is_done=item.is_done(),
        is_allowed=not item.scope or item.scope in scopes,
    )
