"""Background entry points: drive a run, and sweep up those whose worker is gone."""

from typing import Final
from uuid import UUID

import structlog
from celery import current_task
from django.db import DatabaseError

from core import directory, tenancy
from core.redis import redis_client
from core.tasks import platform_task, task
from workflows import services
from workflows.dispatch import BULK, LAPSED

SWEEPING: Final = "fd:platform:sweeping"
SWEEP_LEASE_MS: Final = 2_000  # a sweep whose worker was killed holds up the next for no longer

log = structlog.get_logger(__name__)


@task("workflows.run", queue="runs")
def run(*, run_id: str) -> None:
    """Drive a run; harmless when it is delivered again."""
    delivered = current_task.request.delivery_info or {}
    services.run_execute(run_id=UUID(run_id), gives_way=delivered.get("routing_key") == BULK)


@platform_task("workflows.sweep", queue=LAPSED)
def sweep() -> None:
    """Send lapsed runs of every tenant to a worker; one sweep at a time, however long it takes."""
    client = redis_client()
    if not client.set(SWEEPING, 1, nx=True, px=SWEEP_LEASE_MS):
        return
    try:
        for tenant in directory.tenants_active():
            client.pexpire(SWEEPING, SWEEP_LEASE_MS)
            _tenant_sweep(tenant)
    finally:
        client.delete(SWEEPING)


def _tenant_sweep(tenant: tenancy.TenantContext) -> None:
    with tenancy.tenant_scope(tenant):
        try:
            services.runs_sweep()
        except DatabaseError:  # one tenant's trouble must not strand the others' runs
            log.exception("sweep_failed", tenant=tenant.slug)
