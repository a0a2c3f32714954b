"""Background work of the tenants app: mails to people, counters brought up to the ledger.

Mails are sent outside of requests; a mail server that is away is tried again.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError
from redis import RedisError

from core import directory, tenancy
from core.tasks import platform_task, task
from tenants import invitations
from tenants.accounts import notices, passwords, verification
from tenants.admission.holds import quotas_reconcile
from tenants.threats import alerts

log = structlog.get_logger(__name__)
# Mail errors are OSErrors; a minute, two, four …, for about an hour. Sent twice is harmless:
# a link sent again works, and each ends the one before it.
_RETRIES: Final[dict[str, Any]] = {
    "queue": "runs",
    "autoretry_for": (OSError,),
    "retry_backoff": 60,
    "retry_backoff_max": 1200,
    "max_retries": 6,
}


@task("tenants.invitation_mail", **_RETRIES)
def invitation_mail(*, invitation_id: str) -> None:
    invitations.invitation_deliver(invitation_id=UUID(invitation_id))


@task("tenants.verification_mail", **_RETRIES)
def verification_mail(*, address_id: int) -> None:
    verification.verification_deliver(address_id=address_id)


@task("tenants.reset_mail", **_RETRIES)
def reset_mail(*, person_id: str) -> None:
    passwords.password_reset_deliver(person_id=UUID(person_id))


@task("tenants.security_mail", **_RETRIES)
def security_mail(*, person_id: str, what: str) -> None:
    notices.notice_deliver(person_id=UUID(person_id), what=what)


@task("tenants.threat_mail", **_RETRIES)
def threat_mail(*, person_id: str, security_event_id: str) -> None:
    alerts.alert_deliver(person_id=UUID(person_id), security_event_id=UUID(security_event_id))


@platform_task("tenants.quotas_reconcile", queue="runs")
def reconcile() -> None:
    """Bring every tenant's counters up to the ledger: what was settled while Redis was gone."""
    for tenant in directory.tenants_active():
        with tenancy.tenant_scope(tenant):
            try:
                quotas_reconcile()
            except (DatabaseError, RedisError):  # the others' counters still want looking at
                log.exception("quotas_reconcile_failed")
