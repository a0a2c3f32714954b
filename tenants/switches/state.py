"""Which switches are on, for the hot path: from memory, from Redis once a second.

Postgres holds the truth. Redis mirrors it for all processes; when Redis is gone or has forgotten,
the database is asked, so that a switch holds all the same.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connections
from django.utils import timezone
from redis import RedisError

from core import tenancy
from core.observability.checks import CheckResult
from core.redis import redis_client
from tenants.switches.types import ActiveSwitch, Switch

KEY: Final = "fd:platform:degrade"
CACHE_SECONDS: Final = 1.0
# A write that the mirror missed is put right after this long.
MIRROR_SECONDS: Final = 60

log = structlog.get_logger(__name__)
_lock = threading.Lock()
_remembered: tuple[float, tuple[ActiveSwitch, ...]] = (0.0, ())


def switch_is_on(name: Switch) -> bool:
    """Tell whether a switch is on for the current tenant, or for all."""
    return name in switches_on()


def switches_on() -> frozenset[str]:
    """Return the names of the switches that are on for the current tenant, or for all."""
    tenant, now = tenancy.current(), timezone.now()
    tenant_id = tenant.id if tenant else None
    return frozenset(found.name for found in _active() if found.holds(tenant_id, now))


def switches_check() -> CheckResult:
    """Say which switches are on, for `/readyz`: an installation that gives something up serves."""
    now = timezone.now()
    shown = sorted({_shown(found) for found in _active() if found.expires_at > now})
    return CheckResult("switches", True, ", ".join(shown) or "none on")


def _shown(switch: ActiveSwitch) -> str:
    return f"{switch.name} for {'one workspace' if switch.tenant_id else 'all'}"


def switches_forget() -> None:
    """Ask again at the next question; called when a switch changes."""
    _remember((), 0.0)


def switches_mirror(active: Sequence[ActiveSwitch]) -> None:
    """Write what is on into Redis for every process. Without Redis they ask the database."""
    rows = [[found.name, _text(found.tenant_id), found.expires_at.isoformat()] for found in active]
    try:
        redis_client().set(KEY, json.dumps(rows), ex=MIRROR_SECONDS)
    except RedisError as error:
        log.warning("switches_not_mirrored", error=type(error).__name__)


def _active() -> tuple[ActiveSwitch, ...]:
    until, found = _remembered
    if time.monotonic() < until:
        return found
    found = _read()
    _remember(found, time.monotonic() + CACHE_SECONDS)
    return found


def _remember(found: tuple[ActiveSwitch, ...], until: float) -> None:
    global _remembered
    with _lock:
        _remembered = (until, found)


def _read() -> tuple[ActiveSwitch, ...]:
    try:
        stored = redis_client().get(KEY)
    except RedisError:
        return _from_database()
    if isinstance(stored, bytes):
        return tuple(_decoded(row) for row in json.loads(stored))
    found = _from_database()
    switches_mirror(found)
    return found


def _decoded(row: list[str]) -> ActiveSwitch:
    name, tenant_id, expires_at = row
    return ActiveSwitch(
        name, UUID(tenant_id) if tenant_id else None, datetime.fromisoformat(expires_at)
    )


def _from_database() -> tuple[ActiveSwitch, ...]:
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT name, tenant_id, expires_at FROM degrade_switches_active()")
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return tuple(ActiveSwitch(*row) for row in rows)


def _text(tenant_id: UUID | None) -> str:
    return str(tenant_id) if tenant_id else ""
