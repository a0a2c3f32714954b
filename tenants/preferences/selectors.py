"""Reads of settings: from memory for code, with version and history for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core import tenancy
from tenants import freshness
from tenants.errors import SettingChangeUnknown
from tenants.preferences.models import SettingChange, WorkspaceSetting
from tenants.preferences.registry import (
    SettingGroup,
    V,
    group_get,
    values_restore,
)
from tenants.preferences.types import Snapshot


def values_for(model: type[V]) -> V:
    """Return the current tenant's values of a group, as code reads them.

    Remembered in the process; a change reaches every process within a quarter of a second.
    """
    tenant = tenancy.require()
    key = ("settings", tenant.id, model.key)
    return freshness.remembered(key, marks=(settings_mark(),), load=lambda: _load(model))


def settings_mark() -> str:
    """Return the current tenant's mark in Redis, which every change replaces."""
    return tenancy.tenant_key("settings")


def _load(model: type[V]) -> V:
    row = _rows().filter(group=model.key).first()
    return values_of(model, group_get(model.key), row.values if row else {})


def values_of(model: type[V], group: SettingGroup, stored: Mapping[str, Any]) -> V:
    """Return stored values, with those that are kept elsewhere put over them."""
    elsewhere = group.read() if group.read else {}
    return values_restore(model, {**stored, **elsewhere})


def snapshot_get(*, group: str) -> Snapshot:
    """Return a group with its version, from the database; raises SettingGroupUnknown."""
    found = group_get(group)
    row = _rows().filter(group=group).first()
    values = values_of(found.model, found, row.values if row else {})
    return Snapshot(
        group=group,
        version=row.version if row else 0,
        values=values.model_dump(mode="json"),
        updated_at=row.updated_at if row and row.version else None,
    )


def change_list(*, group: str = "") -> QuerySet[SettingChange]:
    """Return the current tenant's changes, of all groups or one, the latest first."""
    mine = SettingChange.objects.filter(tenant_id=tenancy.require().id)
    found = mine.filter(group=group) if group else mine
    return found.order_by("-changed_at", "-pk")


def change_get(*, change_id: UUID) -> SettingChange:
    """Return a change of the current tenant; raises SettingChangeUnknown."""
    found = change_list().filter(pk=change_id).first()
    if found is None:
        raise SettingChangeUnknown()
    return found


def values_at(*, group: str, version: int) -> dict[str, Any]:
    """Return what a group held at an earlier version; raises SettingChangeUnknown."""
    following = change_list(group=group).filter(version=version + 1).first()
    if following is None:
        raise SettingChangeUnknown()
    return dict(following.before)


def _rows() -> QuerySet[WorkspaceSetting]:
    return WorkspaceSetting.objects.filter(tenant_id=tenancy.require().id)
