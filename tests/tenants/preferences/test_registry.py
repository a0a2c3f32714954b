"""Typed groups: what they refuse, and that what was stored long ago stays readable."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import ValidationFailed
from tenants.errors import SettingGroupUnknown
from tenants.preferences.groups import AccessRules, WorkspaceProfile
from tenants.preferences.registry import (
    Values,
    group_get,
    group_list,
    shown_of,
    values_check,
    values_restore,
)


def test_every_group_has_defaults_and_labels() -> None:
    for group in group_list():
        assert isinstance(group.model(), Values)
        assert str(group.label)
        assert all(str(shown_of(group, field).label) for field in group.model.model_fields)


def test_unknown_group_is_refused() -> None:
    with pytest.raises(SettingGroupUnknown):
        group_get("nothing")


@pytest.mark.parametrize(
    ("values", "pointer", "code"),
    [
        ({"surprise": 1}, "/values/surprise", "unknown_field"),
        ({"name": ""}, "/values/name", "string_too_short"),
        ({"name": "   "}, "/values/name", "string_too_short"),
        ({"name": "x" * 121}, "/values/name", "string_too_long"),
        ({"name": "a\x00b"}, "/values/name", "value_error"),
        ({"name": "\ud800"}, "/values/name", "string_unicode"),
        ({"name": 5}, "/values/name", "string_type"),
        ({"timezone": "Mars/Olympus"}, "/values/timezone", "value_error"),
        ({"timezone": "../etc/passwd"}, "/values/timezone", "value_error"),
        ({"language": "tlh"}, "/values/language", "value_error"),
    ],
)
def test_profile_refuses(values: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        values_check(WorkspaceProfile, values)
    fault = refused.value.data["errors"][0]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


@pytest.mark.parametrize("days", [0, 91, -1, "7", 7.5, True, None])
def test_session_days_have_bounds_and_a_type(days: Any) -> None:
    with pytest.raises(ValidationFailed):
        values_check(AccessRules, {"session_days": days})


def test_every_fault_is_named() -> None:
    with pytest.raises(ValidationFailed) as refused:
        values_check(AccessRules, {"session_days": 0, "admins_add_people": "yes"})
    pointers = {fault["pointer"] for fault in refused.value.data["errors"]}
    assert pointers == {"/values/session_days", "/values/admins_add_people"}


def test_stored_values_that_no_longer_fit_fall_back_one_by_one() -> None:
    stored = {"session_days": 400, "admins_add_people": False, "gone": 1}
    assert values_restore(AccessRules, stored) == AccessRules(
        session_days=14, admins_add_people=False
    )
