"""Find a tenant and its limits by host or id, from any scope, with a cache of a few seconds.

The lookups run as `SECURITY DEFINER` functions, so the application role never needs to read the
tenants table across tenants. A suspended or deleted tenant is not found.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connections

from core import tenancy
from core.tenancy import TenantContext

CACHE_SECONDS = 10.0
_CACHE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a look-up found: a tenant with its limits as stored, or nobody."""

    tenant: TenantContext | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)


_cache: dict[tuple[str, str], tuple[float, _Entry]] = {}
_lock = threading.Lock()


def tenant_by_host(host: str) -> TenantContext | None:
    """Return the active tenant that owns `host` (no port, any case), or None."""
    return _cached("host", host.lower().rstrip(".")).tenant


def tenant_by_id(tenant_id: UUID) -> TenantContext | None:
    """Return the active tenant with this id, or None."""
    return _cached("id", str(tenant_id)).tenant


def tenant_limits(tenant_id: UUID) -> Mapping[str, Any]:
    """Return the limits stored for an active tenant; none for any other.

    A request's or task's tenant has just been looked up, so this asks no database.
    """
    return _cached("id", str(tenant_id)).limits


def tenants_active() -> list[TenantContext]:
    """Return every active tenant, for sweeps that visit each in turn."""
    rows = _query("SELECT id, schema_name, slug FROM tenant_directory_active()", ())
    return [_context(row) for row in rows]


def cache_forget() -> None:
    """Drop every remembered lookup; called when a tenant or domain changes."""
    with _lock:
        _cache.clear()


def _cached(kind: str, value: str) -> _Entry:
    now = time.monotonic()
    found = _cache.get((kind, value))
    if found and found[0] > now:
        return found[1]
    rows = _query(_LOOKUPS[kind], (value,))
    entry = _Entry(_context(rows[0]), _limits(rows[0][3])) if rows else _Entry()
    _remember(kind, value, entry, now + CACHE_SECONDS)
    return entry


def _remember(kind: str, value: str, entry: _Entry, until: float) -> None:
    """Keep an entry under what it was asked by, and under its id, which comes next."""
    with _lock:
        if len(_cache) >= _CACHE_LIMIT:
            _cache.clear()
        _cache[kind, value] = (until, entry)
        if entry.tenant is not None:
            _cache["id", str(entry.tenant.id)] = (until, entry)


_LIMITED = "SELECT id, schema_name, slug, tenant_directory_limits(id) FROM"
_LOOKUPS = {
    "host": f"{_LIMITED} tenant_directory_by_host(%s)",
    "id": f"{_LIMITED} tenant_directory_by_id(%s)",
}


def _query(statement: str, parameters: tuple[str, ...]) -> list[tuple[Any, ...]]:
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _context(row: tuple[Any, ...]) -> TenantContext:
    return TenantContext(id=row[0], schema=row[1], slug=row[2])


def _limits(stored: Any) -> Mapping[str, Any]:
    """Return a jsonb value, which Django's driver hands out as text."""
    found = json.loads(stored) if isinstance(stored, str) else stored
    return found if isinstance(found, dict) else {}
