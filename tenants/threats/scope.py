"""Whose threats these are: the current tenant's, or on the platform's host the platform's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from core import tenancy

PLATFORM = UUID(int=0)


@contextmanager
def owner_scope() -> Iterator[UUID]:
    """Enter where the owner's rows are written and read; yields the owner's id."""
    tenant = tenancy.current()
    if tenant is not None:
        yield tenant.id
        return
    with tenancy.platform_scope():
        yield PLATFORM


def owner_key(*parts: str) -> str:
    """Return a Redis key of the owner's."""
    is_tenant = tenancy.current() is not None
    return tenancy.tenant_key(*parts) if is_tenant else ":".join(("fd", "platform", *parts))
