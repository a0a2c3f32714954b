"""The one place that says whose data a piece of code works on.

A context variable holds the current scope; the database backend, cache keys, storage paths, log
fields and Redis keys all derive from it. Nothing falls back to the shared schema: a cursor opened
outside every scope raises. New threads start without a scope; carry one over with
`contextvars.copy_context().run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

PUBLIC_SCHEMA = "public"


class TenantContextMissing(RuntimeError):
    """Raised where code that needs a scope or a tenant runs without one."""


class ScopeKind(StrEnum):
    TENANT = "tenant"
    PUBLIC = "public"
    PLATFORM = "platform"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class TenantContext:
    """Whose request, socket or task this is."""

    id: UUID
    schema: str
    slug: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What the database session is set to: a search path and, inside a tenant, its id."""

    kind: ScopeKind
    schema: str
    tenant: TenantContext | None = None

    @property
    def session(self) -> tuple[str, str]:
        """Return (search_path, app.tenant_id) as Postgres wants them."""
        is_shared = self.schema == PUBLIC_SCHEMA
        path = PUBLIC_SCHEMA if is_shared else f'"{self.schema}", {PUBLIC_SCHEMA}'
        return path, str(self.tenant.id) if self.tenant else ""


_scope: ContextVar[Scope | None] = ContextVar("frontdesk_scope", default=None)

_PUBLIC = Scope(ScopeKind.PUBLIC, PUBLIC_SCHEMA)


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def tenant_scope(tenant: TenantContext) -> AbstractContextManager[None]:
    """Enter one tenant: its schema first, its rows of the shared tables only."""
    return _entered(Scope(ScopeKind.TENANT, tenant.schema, tenant))


def public_scope() -> AbstractContextManager[None]:
    """Enter the shared schema as the application role, which sees no tenant's rows there."""
    return _entered(_PUBLIC)


def platform_scope(tenant: TenantContext | None = None) -> AbstractContextManager[None]:
    """Enter the shared schema as the platform role, which sees every tenant's shared rows.

    With a tenant, what is published there belongs to it: sign-up creates tenant and event at once.
    """
    return _entered(Scope(ScopeKind.PLATFORM, PUBLIC_SCHEMA, tenant))


def enter_public() -> None:
    """Enter the shared schema for the rest of this thread's life (process entry points only)."""
    _scope.set(_PUBLIC)


def enter_schema(schema: str) -> None:
    """Point the session at a bare schema, as migrations do: a search path, no tenant."""
    _scope.set(_PUBLIC if schema == PUBLIC_SCHEMA else Scope(ScopeKind.SCHEMA, schema))


def schema_scope(schema: str) -> AbstractContextManager[None]:
    """Enter a bare schema for a block: template builds and schema comparisons."""
    return _entered(Scope(ScopeKind.SCHEMA, schema))


def scope_or_none() -> Scope | None:
    return _scope.get()


def scope() -> Scope:
    """Return the current scope; raises TenantContextMissing outside every scope."""
    found = _scope.get()
    if found is None:
        raise TenantContextMissing("The database was reached outside every tenant scope.")
    return found


def current() -> TenantContext | None:
    """Return the current tenant, or None in the shared schema or outside every scope."""
    found = _scope.get()
    return found.tenant if found else None


def require() -> TenantContext:
    """Return the current tenant; raises TenantContextMissing when there is none."""
    tenant = current()
    if tenant is None:
        raise TenantContextMissing("This needs a tenant, and none is entered.")
    return tenant


def tenant_key(*parts: str) -> str:
    """Return a Redis key, group, lock or channel name that carries the current tenant."""
    return ":".join(("fd", require().id.hex, *parts))
