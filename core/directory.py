"""Find a tenant by host or id, from any scope, with a cache of a few seconds.

The lookups run as `SECURITY DEFINER` functions, so the application role never needs to read the
tenants table across tenants. A suspended or deleted tenant is not found.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.db import connections

from core import tenancy
from core.tenancy import TenantContext

CACHE_SECONDS = 10.0
_CACHE_LIMIT = 10_000
_cache: dict[tuple[str, str], tuple[float, TenantContext | None]] = {}
_lock = threading.Lock()


def tenant_by_host(host: str) -> TenantContext | None:
    """Return the active tenant that owns `host` (no port, any case), or None."""
    return _cached("host", host.lower().rstrip("."))


def tenant_by_id(tenant_id: UUID) -> TenantContext | None:
    """Return the active tenant with this id, or None."""
    return _cached("id", str(tenant_id))


def tenants_active() -> list[TenantContext]:
    """Return every active tenant, for sweeps that visit each in turn."""
    return _query("SELECT id, schema_name, slug FROM tenant_directory_active()", ())


def cache_forget() -> None:
    """Drop every remembered lookup; called when a tenant or domain changes."""
    with _lock:
        _cache.clear()


def _cached(kind: str, value: str) -> TenantContext | None:
    now = time.monotonic()
    found = _cache.get((kind, value))
    if found and found[0] > now:
        return found[1]
    tenant = _LOOKUPS[kind](value)
    with _lock:
        if len(_cache) >= _CACHE_LIMIT:
            _cache.clear()
        _cache[kind, value] = (now + CACHE_SECONDS, tenant)
    return tenant


def _by_host(host: str) -> TenantContext | None:
    rows = _query("SELECT id, schema_name, slug FROM tenant_directory_by_host(%s)", (host,))
    return rows[0] if rows else None


def _by_id(tenant_id: str) -> TenantContext | None:
    rows = _query("SELECT id, schema_name, slug FROM tenant_directory_by_id(%s)", (tenant_id,))
    return rows[0] if rows else None


_LOOKUPS: dict[str, Callable[[str], TenantContext | None]] = {"host": _by_host, "id": _by_id}


def _query(statement: str, parameters: tuple[str, ...]) -> list[TenantContext]:
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return [TenantContext(id=row[0], schema=row[1], slug=row[2]) for row in cursor.fetchall()]
