"""Writes of billing: the ledger and the subscription."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from billing import selectors
from billing.metering import usage_of
from billing.models import Subscription
from billing.types import SubscriptionState, Usage
from core import tenancy
from core.events import StoredEvent
from core.observability.metrics import billing_usage_total, tenant_label
from tenants.services import tenant_limits_set

TRIAL_DAYS = 14
TRIAL_PLAN = "team"  # what a trial lets people try

_ENTER = """
INSERT INTO billing_usageentry (tenant_id, event_id, meter, quantity, subject_id, occurred_at)
SELECT %s, %s, meter, quantity, subject_id, %s
FROM unnest(%s::text[], %s::bigint[], %s::uuid[]) AS used (meter, quantity, subject_id)
ON CONFLICT (event_id, meter) DO NOTHING
RETURNING meter, quantity
"""


def usage_meter(*, stored: StoredEvent) -> int:
    """Enter what an event used into the ledger; return how many entries are new.

    Idempotent by (event, meter): a redelivery enters nothing. One round trip, safe under concurrent
    deliveries because the unique constraint decides.
    """
    used = usage_of(stored.event)
    if not used:
        return 0
    entered = _ledger_enter(stored.event_id, stored.occurred_at, used)
    for meter, quantity in entered:
        billing_usage_total.labels(tenant=tenant_label(), meter=meter).inc(max(quantity, 0))
    return len(entered)


def _ledger_enter(
    event_id: UUID, occurred_at: datetime, used: Sequence[Usage]
) -> list[tuple[str, int]]:
    columns = (
        [str(usage.meter) for usage in used],
        [usage.quantity for usage in used],
        [usage.subject_id for usage in used],
    )
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, (tenancy.require().id, event_id, occurred_at, *columns))
        return [(meter, quantity) for meter, quantity in cursor.fetchall()]


@transaction.atomic
def subscription_start(*, plan_code: str, started_at: datetime | None = None) -> Subscription:
    """Start the tenant's subscription and push its plan's limits down to tenants.

    `trial` gives the trial plan for `TRIAL_DAYS`; any other code starts that plan at once.
    Idempotent: a tenant that already has a subscription keeps it, only its limits are pushed again.
    Raises PlanUnknown.
    """
    is_trial = plan_code == "trial"
    plan = selectors.plan_get(code=TRIAL_PLAN if is_trial else plan_code)
    began = started_at or timezone.now()
    subscription, _ = Subscription.objects.get_or_create(
        tenant_id=tenancy.require().id,
        defaults={
            "plan": plan,
            "state": SubscriptionState.TRIALING if is_trial else SubscriptionState.ACTIVE,
            "trial_ends_at": began + timedelta(days=TRIAL_DAYS) if is_trial else None,
        },
    )
    limits_push(subscription=subscription)
    return subscription


def limits_push(*, subscription: Subscription) -> None:
    """Write the plan's limits to where the hot path reads them. Idempotent."""
    tenant_limits_set(tenant_id=subscription.tenant_id, limits=subscription.plan.limits)
