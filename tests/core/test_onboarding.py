"""The first steps of a workspace."""

from __future__ import annotations

import pytest

from core import onboarding
from core.onboarding import ChecklistItem


def item(key: str, order: int, is_done: bool, scope: str = "") -> ChecklistItem:
    return ChecklistItem(
        key=key,
        title=key,
        description="",
        action="Go",
        url_name="tenants:home",
        is_done=lambda: is_done,
        scope=scope,
        order=order,
    )


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onboarding, "_items", {})
    onboarding.register(item("c", 30, is_done=False))
    onboarding.register(item("a", 10, is_done=True))
    onboarding.register(item("b", 20, is_done=False, scope="team:write"))


def test_checklist_is_ordered_and_counts_what_is_done(registered: None) -> None:
    checklist = onboarding.checklist_for(scopes=frozenset({"team:write"}))
    assert [step.key for step in checklist.steps] == ["a", "b", "c"]
    assert (checklist.done, checklist.total, checklist.is_complete) == (1, 3, False)


@pytest.mark.parametrize(("scopes", "following"), [({"team:write"}, "b"), (set(), "c")])
def test_checklist_proposes_the_first_open_step_one_may_take(
    registered: None, scopes: set[str], following: str
) -> None:
    assert onboarding.checklist_for(scopes=frozenset(scopes)).next_key == following


def test_checklist_is_complete_when_nothing_is_open(registered: None) -> None:
    onboarding.register(item("b", 20, is_done=True))
    onboarding.register(item("c", 30, is_done=True))
    checklist = onboarding.checklist_for(scopes=frozenset())
    assert checklist.is_complete
    assert checklist.next_key == ""
