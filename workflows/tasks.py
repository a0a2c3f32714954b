"""Background entry points: drive a run, and sweep up those whose worker is gone."""

from uuid import UUID

import structlog
from celery import current_task
from django.db import DatabaseError

from core import directory, tenancy
from core.tasks import platform_task, task
from workflows import services
from workflows.dispatch import BULK, LAPSED

log = structlog.get_logger(__name__)


@task("workflows.run", queue="runs")
def run(*, run_id: str) -> None:
    """Drive a run; harmless when it is delivered again."""
    delivered = current_task.request.delivery_info or {}
    services.run_execute(run_id=UUID(run_id), gives_way=delivered.get("routing_key") == BULK)


@platform_task("workflows.sweep", queue=LAPSED)
def sweep() -> None:
    """Send lapsed runs of every tenant to a worker."""
    for tenant in directory.tenants_active():
        with tenancy.tenant_scope(tenant):
            try:
                services.runs_sweep()
            except DatabaseError:  # one tenant's trouble must not strand the others' runs
                log.exception("sweep_failed")
