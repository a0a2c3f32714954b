"""Background entry points: bring back what was put off, and leave nobody waiting unseen."""

from collections.abc import Callable
from uuid import UUID

import structlog
from django.db import DatabaseError

from conversations import services
from core import directory, tenancy
from core.fetch import FetchFailed
from core.tasks import platform_task, task

log = structlog.get_logger(__name__)


@platform_task("conversations.snoozed_wake", queue="runs")
def snoozed_wake() -> None:
    """Bring back what every tenant put off until now; harmless when it runs twice."""
    _for_each_tenant(services.snoozed_wake)


@platform_task("conversations.attachments_sweep", queue="runs")
def attachments_sweep() -> None:
    """Delete what was uploaded and never sent; harmless when it runs twice."""
    _for_each_tenant(services.attachments_sweep)


@platform_task("conversations.queues_tend", queue="runs")
def queues_tend() -> None:
    """Take back what an agent leaves unanswered, give what waits, note what is late.

    Harmless when it runs twice.
    """
    _for_each_tenant(services.overdue_requeue, services.queue_assign, services.breaches_note)


# A mail server or Slack that is away is tried again for about an hour; told twice is harmless.
@task(
    "conversations.notification_send",
    queue="runs",
    autoretry_for=(OSError, FetchFailed),
    retry_backoff=30,
    retry_backoff_max=1200,
    max_retries=7,
)
def notification_send(*, conversation_id: str, target_id: str) -> None:
    services.notification_send(conversation_id=UUID(conversation_id), target_id=UUID(target_id))


def _for_each_tenant(*works: Callable[[], int]) -> None:
    """Do the works in every workspace; one's trouble must not keep the others waiting."""
    for tenant in directory.tenants_active():
        with tenancy.tenant_scope(tenant):
            for work in works:
                try:
                    work()
                except DatabaseError:
                    log.exception("tending_failed", tenant=tenant.slug, work=work.__name__)
