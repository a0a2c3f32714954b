"""Background work of the tenants app."""

import structlog
from django.db import DatabaseError
from redis import RedisError

from core import directory, tenancy
from core.tasks import platform_task
from tenants.admission.holds import quotas_reconcile

log = structlog.get_logger(__name__)


@platform_task("tenants.quotas_reconcile", queue="runs")
def reconcile() -> None:
    """Bring every tenant's counters up to the ledger: what was settled while Redis was gone."""
    for tenant in directory.tenants_active():
        with tenancy.tenant_scope(tenant):
            try:
                quotas_reconcile()
            except (DatabaseError, RedisError):  # the others' counters still want looking at
                log.exception("quotas_reconcile_failed")
