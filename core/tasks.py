"""Background work that always knows its tenant.

A task carries the tenant's id in a message header. Without one, or with an unknown tenant, it is
refused: it never runs in the shared schema by accident. Work that belongs to no tenant says so
with `platform_task`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog
from celery import Task, current_app, shared_task
from django.db import transaction

from core import directory, tenancy

TENANT_HEADER = "fd_tenant"
P = ParamSpec("P")
R = TypeVar("R")
_queues: dict[str, str] = {}
log = structlog.get_logger(__name__)


class UnknownTenant(RuntimeError):
    """Raised when a task names a tenant that does not exist or is not active."""


class TenantTask(Task):  # type: ignore[type-arg]
    """Run inside the tenant named by the message header; leave no trace of it afterwards."""

    abstract = True
    needs_tenant = True

    def apply_async(self, *args: Any, **options: Any) -> Any:
        if self.needs_tenant:
            tenant = tenancy.require()
            headers = dict(options.get("headers") or {})
            options["headers"] = {**headers, TENANT_HEADER: str(tenant.id)}
        return super().apply_async(*args, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self._scope():
            tenant = tenancy.current()
            with structlog.contextvars.bound_contextvars(
                tenant=tenant.slug if tenant else None, task=self.name, **_subjects(kwargs)
            ):
                return self.run(*args, **kwargs)

    def _scope(self) -> AbstractContextManager[None]:
        if not self.needs_tenant:
            return tenancy.public_scope()
        return tenancy.tenant_scope(self._tenant())

    def _tenant(self) -> tenancy.TenantContext:
        header = (self.request.headers or {}).get(TENANT_HEADER) or self.request.get(TENANT_HEADER)
        if not header:
            raise tenancy.TenantContextMissing(f"Task {self.name} arrived without a tenant header.")
        tenant = directory.tenant_by_id(UUID(str(header)))
        if tenant is None:
            raise UnknownTenant(f"Task {self.name} names a tenant that is not active.")
        return tenant


def _subjects(kwargs: Mapping[str, Any]) -> dict[str, str]:
    """Return what a task is about (run, conversation, document), for every line it logs."""
    known = ("run", "conversation", "document")
    return {name: str(kwargs[f"{name}_id"]) for name in known if f"{name}_id" in kwargs}


class PlatformTask(TenantTask):
    """Run in the shared schema, for work that visits tenants one by one."""

    abstract = True
    needs_tenant = False


def task(name: str, *, queue: str, **options: Any) -> Callable[[Callable[P, R]], Any]:
    """Register a tenant's task under `name`; keyword-only arguments, ids as strings."""
    _queues[name] = queue
    return shared_task(name=name, base=TenantTask, **options)


def platform_task(name: str, *, queue: str, **options: Any) -> Callable[[Callable[P, R]], Any]:
    """Register a task that belongs to no tenant, such as a sweep started by beat."""
    _queues[name] = queue
    return shared_task(name=name, base=PlatformTask, **options)


def task_route(name: str, *_: Any, **__: Any) -> dict[str, str] | None:
    """Return the queue a task was registered for (Celery's `task_routes`)."""
    queue = _queues.get(name)
    return {"queue": queue} if queue else None


def enqueue(name: str, **kwargs: Any) -> None:
    """Send the named task for the current tenant once the transaction has committed."""
    tenant = tenancy.require()

    def send() -> None:
        with tenancy.tenant_scope(tenant):
            current_app.signature(name, kwargs=kwargs).apply_async()

    transaction.on_commit(send)


def enqueue_for_each_tenant(name: str) -> int:
    """Send the named task once for every active tenant; returns how many."""
    tenants = directory.tenants_active()
    for tenant in tenants:
        with tenancy.tenant_scope(tenant):
            current_app.signature(name).apply_async()
    return len(tenants)
