"""Writes of settings: changed from a known version, with a line of history each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.events import catalogue, publish
from tenants import freshness
from tenants.errors import EditConflict, OwnerRequired
from tenants.preferences import selectors
from tenants.preferences.models import SettingChange, WorkspaceSetting
from tenants.preferences.registry import SettingGroup, group_get, values_check
from tenants.preferences.types import Snapshot
from tenants.types import Actor


@transaction.atomic
def setting_change(
    *, group: str, values: Mapping[str, Any], actor: Actor, version: int | None = None
) -> Snapshot:
    """Change what is given of a group in the current tenant and return it as it stands then.

    `version` is what the caller saw; None takes whatever there is. Values that change nothing add
    no history. Locks the group. Raises SettingGroupUnknown, OwnerRequired, EditConflict,
    ValidationFailed. Publishes SettingsChanged.
    """
    found = group_get(group)
    if found.is_owners and not actor.is_owner:
        raise OwnerRequired()
    row = _row_locked(group)
    if version is not None and version != row.version:
        raise EditConflict(version=row.version)
    before = selectors.values_of(found.model, found, row.values)
    after = values_check(found.model, {**before.model_dump(), **values})
    if after != before:
        _store(row, found, before.model_dump(mode="json"), after.model_dump(mode="json"), actor)
        if found.write:
            found.write(after)
        _record(group, before.model_dump(), after.model_dump())
    return selectors.snapshot_get(group=group)


@transaction.atomic
def setting_revert(*, group: str, to_version: int, version: int | None, actor: Actor) -> Snapshot:
    """Give a group the values it had at an earlier version; a change like any other.

    Fields that have come since keep what they are. Raises as `setting_change` does, and
    SettingChangeUnknown.
    """
    fields = group_get(group).model.model_fields
    earlier = selectors.values_at(group=group, version=to_version)
    values = {name: value for name, value in earlier.items() if name in fields}
    return setting_change(group=group, values=values, actor=actor, version=version)


def _record(group: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    fields = sorted(name for name, value in after.items() if value != before.get(name))
    act_record(
        act=Act.SETTING_CHANGED, target_kind="settings", target_id=group, data={"fields": fields}
    )


def _row_locked(group: str) -> WorkspaceSetting:
    rows = WorkspaceSetting.objects.select_for_update()
    return rows.get_or_create(tenant_id=tenancy.require().id, group=group)[0]


def _store(
    row: WorkspaceSetting,
    group: SettingGroup,
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
) -> None:
    row.values, row.version, row.updated_at = after, row.version + 1, timezone.now()
    row.save(update_fields=["values", "version", "updated_at"])
    SettingChange.objects.create(
        tenant_id=row.tenant_id,
        group=group.key,
        version=row.version,
        before=before,
        after=after,
        changed_by=actor.person_id,
        actor=actor.label[:200],
    )
    freshness.changed(selectors.settings_mark())
    publish(
        catalogue.SettingsChanged(
            group=group.key, to_version=row.version, changed_by=actor.person_id
        )
    )
