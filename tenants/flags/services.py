"""Writes of flags: the platform's switches and the workspaces' own, each with its history."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.db.router import database_alias
from core.errors import ValidationFailed
from tenants import freshness
from tenants.errors import FlagNotOpen
from tenants.flags import evaluation
from tenants.flags.models import Flag, FlagChange, FlagOverride, described
from tenants.flags.registry import spec_get, spec_list
from tenants.types import Actor

FIELDS = ("everyone", "percent", "is_open", "variants")


def flags_ensure() -> None:
    """Give every declared flag its row, so that the platform can switch it. Idempotent."""
    rows = [Flag(name=spec.name, is_open=spec.is_open) for spec in spec_list()]
    with tenancy.platform_scope():
        Flag.objects.bulk_create(rows, ignore_conflicts=True)


def flag_update(*, name: str, actor: Actor, **changes: Any) -> Flag:
    """Change a flag for the whole platform: `everyone`, `percent`, `is_open`, `variants`.

    Reaches every process within a second. What changes nothing adds no history. Locks the flag.
    Raises FlagUnknown, ValidationFailed.
    """
    _changes_check(name, changes)
    with tenancy.platform_scope(), transaction.atomic(using=database_alias()):
        row = _row_locked(name)
        before = described(row, FIELDS)
        for field, value in changes.items():
            setattr(row, field, value)
        after = described(row, FIELDS)
        if after != before:
            row.save()
            _history_add(name, None, before, after, actor)
            freshness.changed(evaluation.PLATFORM_MARK)
    return row


def flag_switch_off(*, name: str, actor: Actor) -> Flag:
    """Turn a flag off everywhere at once, whatever workspaces chose. Idempotent.

    Raises FlagUnknown.
    """
    return flag_update(name=name, actor=actor, everyone=False)


def override_set(*, name: str, is_on: bool | None, actor: Actor) -> None:
    """Switch an open flag for the current tenant; None goes back to what the platform says.

    Idempotent. Locks the tenant's choice. Raises FlagUnknown, FlagNotOpen, also where the platform
    has decided for this workspace.
    """
    spec_get(name)
    tenant_id = tenancy.require().id
    with transaction.atomic(using=database_alias()):
        row = _override_locked(tenant_id, name)
        is_open = evaluation.states_load()[name].is_open
        if not is_open or (row is not None and row.is_platforms):
            raise FlagNotOpen()
        _override_store(row, tenant_id, name, is_on, actor, is_platforms=False)
        freshness.changed(evaluation.override_mark())


def override_decide(*, tenant_id: UUID, name: str, is_on: bool | None, actor: Actor) -> None:
    """Switch a flag in one workspace for the platform; None leaves it to the workspace again.

    Idempotent. Raises FlagUnknown.
    """
    spec_get(name)
    with tenancy.platform_scope(), transaction.atomic(using=database_alias()):
        row = _override_locked(tenant_id, name)
        _override_store(row, tenant_id, name, is_on, actor, is_platforms=True)
        freshness.changed(evaluation.PLATFORM_MARK)


def _row_locked(name: str) -> Flag:
    spec = spec_get(name)
    rows = Flag.objects.select_for_update()
    found: Flag = rows.get_or_create(name=name, defaults={"is_open": spec.is_open})[0]
    return found


def _changes_check(name: str, changes: Mapping[str, Any]) -> None:
    unknown = set(changes) - set(FIELDS)
    if unknown:
        raise TypeError(f"A flag has no {', '.join(sorted(unknown))}.")
    percent = changes.get("percent")
    if percent is not None and not 0 <= percent <= 100:
        _refuse("percent", "This is a number from 0 to 100.")
    spec_get(name)
    if "variants" in changes:
        weights_check(name, changes["variants"])


def weights_check(name: str, weights: Any) -> None:
    """Refuse weights that are none, or of variants that the flag has not.

    Raises FlagUnknown, ValidationFailed.
    """
    known = {variant.key for variant in spec_get(name).variants}
    if not isinstance(weights, dict) or set(weights) - known:
        _refuse("variants", f"The variants are: {', '.join(sorted(known)) or 'none'}.")
    if not all(_is_weight(weight) for weight in weights.values()):
        _refuse("variants", "A weight is a number from 0.")


def _is_weight(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0


def _refuse(field: str, detail: str) -> None:
    fault = {"pointer": f"/{field}", "code": "invalid", "detail": detail}
    raise ValidationFailed(detail, errors=[fault])


def _override_locked(tenant_id: UUID, name: str) -> FlagOverride | None:
    rows = FlagOverride.objects.select_for_update()
    return rows.filter(tenant_id=tenant_id, flag=name).first()


def _override_store(
    row: FlagOverride | None,
    tenant_id: UUID,
    name: str,
    is_on: bool | None,
    actor: Actor,
    *,
    is_platforms: bool,
) -> None:
    before = described(row, ("is_on", "is_platforms")) if row else {"is_on": None}
    if is_on is None:
        FlagOverride.objects.filter(tenant_id=tenant_id, flag=name).delete()
        after: dict[str, Any] = {"is_on": None}
    else:
        after = {"is_on": is_on, "is_platforms": is_platforms}
        FlagOverride.objects.update_or_create(
            tenant_id=tenant_id, flag=name, defaults={**after, "changed_at": timezone.now()}
        )
    if after != before:
        _history_add(name, tenant_id, before, after, actor)


def _history_add(
    name: str,
    tenant_id: UUID | None,
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
) -> None:
    FlagChange.objects.create(
        tenant_id=tenant_id,
        flag=name,
        before=before,
        after=after,
        changed_by=actor.person_id,
        actor=actor.label[:200],
    )
    act_record(
        act=Act.FLAG_CHANGED,
        target_kind="flag",
        target_id=name,
        data={"to": json.dumps(after, sort_keys=True)},
        tenant_id=tenant_id,
    )
