"""Background entry point: bring back conversations whose time has come."""

import structlog
from django.db import DatabaseError

from conversations import services
from core import directory, tenancy
from core.tasks import platform_task

log = structlog.get_logger(__name__)


@platform_task("conversations.snoozed_wake", queue="runs")
def snoozed_wake() -> None:
    """Bring back what every tenant put off until now; harmless when it runs twice."""
    for tenant in directory.tenants_active():
        with tenancy.tenant_scope(tenant):
            try:
                services.snoozed_wake()
            except DatabaseError:  # one tenant's trouble must not keep the others' asleep
                log.exception("snoozed_wake_failed", tenant=tenant.slug)
