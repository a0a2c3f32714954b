"""What experiments show to whom, and what came of it."""

from __future__ import annotations

import threading
from functools import partial

from django.db import transaction

from core import tenancy
from tenants.flags.assignment import variant_pick
from tenants.flags.evaluation import decide, flag_states, is_running
from tenants.flags.models import Exposure, Outcome
from tenants.flags.registry import spec_get
from tenants.flags.types import FlagState

_KNOWN_LIMIT = 50_000
_known: set[tuple[str, ...]] = set()
_lock = threading.Lock()


def variant(name: str, *, subject: str) -> str:
    """Return the variant a subject of the current tenant sees, and log that it did.

    "" while the flag is off for the subject: then show what was shown before, and nothing is
    logged. Call it where the variant is shown, not earlier. The log has one row for each
    (workspace, experiment, subject, variant); a repetition costs nothing in the same process and
    one statement in another.
    """
    state = flag_states().get(name, FlagState(name))
    if not state.variants or not decide(state, subject):
        return ""
    picked = variant_pick(name, subject, state.variants)
    if picked:
        _expose(name, subject, picked)
    return picked


def outcome_record(name: str, *, subject: str) -> bool:
    """Record that a subject reached the experiment's goal; returns whether it was exposed.

    Whoever saw no variant counts for nothing. Idempotent.
    """
    if not is_running(name):
        return False
    tenant_id = tenancy.require().id
    seen = Exposure.objects.filter(tenant_id=tenant_id, experiment=name, subject=subject)
    if not seen.exists():
        return False
    goal = spec_get(name).goal
    reached = Outcome(tenant_id=tenant_id, experiment=name, subject=subject, goal=goal)
    Outcome.objects.bulk_create([reached], ignore_conflicts=True)
    return True


def _expose(name: str, subject: str, picked: str) -> None:
    tenant = tenancy.require()
    key = (tenant.id.hex, name, subject, picked)
    if key in _known:
        return
    shown = Exposure(tenant_id=tenant.id, experiment=name, subject=subject, variant=picked)
    Exposure.objects.bulk_create([shown], ignore_conflicts=True)
    transaction.on_commit(partial(_known_add, key))


def _known_add(key: tuple[str, ...]) -> None:
    with _lock:
        if len(_known) >= _KNOWN_LIMIT:
            _known.clear()
        _known.add(key)
