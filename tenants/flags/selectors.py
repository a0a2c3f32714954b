"""Reads of flags for people: how each stands in a workspace, and who changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from core import tenancy
from tenants.flags.evaluation import decide, states_load
from tenants.flags.experiments import ExperimentResult, experiment_result
from tenants.flags.models import FlagChange, FlagOverride
from tenants.flags.registry import spec_list
from tenants.flags.types import FlagSpec, FlagState

CHANGES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """An open flag in the current workspace, with what its experiment found here."""

    spec: FlagSpec
    state: FlagState
    is_platforms: bool
    result: ExperimentResult | None

    @property
    def is_on(self) -> bool:
        return decide(self.state)

    @property
    def is_partly_on(self) -> bool:
        """Return whether some visitors have it: a percentage decides."""
        state = self.state
        is_free = state.everyone is None and state.override is None
        return is_free and bool(self.spec.variants) and 0 < state.percent < 100


def flag_list_open() -> list[OpenFlag]:
    """Return the flags that the current tenant may switch or sees decided, by name."""
    states = states_load()
    mine = FlagOverride.objects.filter(tenant_id=tenancy.require().id, is_platforms=True)
    decided = set(mine.values_list("flag", flat=True))
    return [
        OpenFlag(
            spec,
            states[spec.name],
            spec.name in decided,
            experiment_result(name=spec.name) if spec.variants else None,
        )
        for spec in spec_list()
        if states[spec.name].is_open
    ]


def change_list_own() -> QuerySet[FlagChange]:
    """Return the changes that concern the current tenant alone, the latest first."""
    mine = FlagChange.objects.filter(tenant_id=tenancy.require().id)
    return mine.order_by("-changed_at", "-pk")


def change_list_shown() -> list[tuple[FlagChange, Any]]:
    """Return the latest changes, each with what its flag is called."""
    labels = {spec.name: spec.label for spec in spec_list()}
    return [
        (change, labels.get(change.flag, change.flag))
        for change in change_list_own()[:CHANGES_SHOWN]
    ]
