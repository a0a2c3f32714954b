"""Whether a flag is on: asked often, answered from memory, the same wherever it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core import tenancy
from tenants import freshness
from tenants.flags.assignment import is_within
from tenants.flags.models import Flag, FlagOverride
from tenants.flags.registry import spec_list
from tenants.flags.types import FlagSpec, FlagState, Variant

PLATFORM_MARK = "fd:platform:flags"


def is_on(name: str, *, subject: str = "") -> bool:
    """Return whether a flag is on for a subject of the current tenant.

    In this order: off for everyone, the workspace's override, on for everyone, the percentage.
    Without a subject the workspace is one, so that all of it changes at once. Flags that nobody
    declared are off.
    """
    return decide(flag_states().get(name, FlagState(name)), subject)


def is_running(name: str) -> bool:
    """Return whether a flag can be on for anybody in the current tenant."""
    return flag_states().get(name, FlagState(name)).is_possible


def decide(state: FlagState, subject: str = "") -> bool:
    """Return what a state means for a subject."""
    if state.everyone is False:
        return False
    if state.override is not None:
        return state.override
    if state.everyone:
        return True
    return is_within(state.name, subject or _workspace(), state.percent)


def _workspace() -> str:
    tenant = tenancy.current()
    return tenant.id.hex if tenant else "platform"


def flag_states() -> Mapping[str, FlagState]:
    """Return every declared flag as it stands for the current tenant, remembered for a moment."""
    tenant = tenancy.current()
    key = ("flags", tenant.id if tenant else None)
    marks = (PLATFORM_MARK, *((override_mark(),) if tenant else ()))
    return freshness.remembered(key, marks=marks, load=states_load)


def override_mark() -> str:
    """Return the mark of the current tenant's own choices."""
    return tenancy.tenant_key("flags")


def states_load() -> dict[str, FlagState]:
    """Return every declared flag as the database has it."""
    tenant = tenancy.current()
    rows = {row.name: row for row in Flag.objects.all()}
    chosen: Iterable[FlagOverride] = ()
    if tenant is not None:
        chosen = FlagOverride.objects.filter(tenant_id=tenant.id)
    overrides = {override.flag: override for override in chosen}
    return {
        spec.name: _state(spec, rows.get(spec.name), overrides.get(spec.name))
        for spec in spec_list()
    }


def _state(spec: FlagSpec, row: Flag | None, override: FlagOverride | None) -> FlagState:
    is_open = row.is_open if row else spec.is_open
    counts = override is not None and (override.is_platforms or is_open)
    return FlagState(
        name=spec.name,
        everyone=row.everyone if row else None,
        percent=float(row.percent or 0) if row else 0.0,
        is_open=is_open,
        variants=variants_weighted(spec, row.variants if row else {}),
        override=override.is_on if override is not None and counts else None,
    )


def variants_weighted(spec: FlagSpec, weights: Mapping[str, Any]) -> tuple[Variant, ...]:
    """Return the declared variants with the weights the platform gave them."""
    return tuple(Variant(v.key, float(weights.get(v.key, v.weight))) for v in spec.variants)
