"""The ledger counts once and is never altered; subscriptions push their limits down."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime

import pytest
from django.db import ProgrammingError, connections, transaction
from django.utils import timezone

from billing import selectors, services
from billing.errors import PlanUnknown
from billing.models import Plan, Subscription, UsageEntry
from billing.types import Meter, Period, SubscriptionState, limits_faults
from core import tenancy
from core.events import StoredEvent, catalogue, publish
from core.events.models import Delivery
from core.events.relay import relay_once
from core.tenancy import TenantContext
from tenants.selectors import tenant_current

AT = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
NOVEMBER = Period.containing(AT.date())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def relay_drain(pool: ThreadPoolExecutor, tenant: TenantContext) -> None:
    """Relay until nothing of the tenant is due; other transactions of the server may delay it."""
    give_up = time.monotonic() + 20
    with tenancy.tenant_scope(tenant):
        due = Delivery.objects.filter(state=Delivery.State.PENDING, attempts=0)
        while due.exists() and time.monotonic() < give_up:
            relay_once(pool)
            time.sleep(0.02)


def message(tenant: TenantContext, at: datetime = AT) -> StoredEvent:
    event = catalogue.MessageReceived(
        conversation_id=uuid.uuid4(), message_id=uuid.uuid4(), seq=1, characters=5
    )
    return StoredEvent(uuid.uuid4(), tenant.id, event, at)


def document(tenant: TenantContext, size: int) -> StoredEvent:
    event = catalogue.DocumentIngested(document_id=uuid.uuid4(), chunks=3, bytes=size)
    return StoredEvent(uuid.uuid4(), tenant.id, event, AT)


def total(meter: Meter) -> int:
    report = selectors.usage_report(period=NOVEMBER)
    return {found.meter: found.quantity for found in report.totals}[meter]


def test_redelivery_enters_nothing(in_acme: TenantContext) -> None:
    stored = document(in_acme, 4096)
    assert [services.usage_meter(stored=stored) for _ in range(5)] == [2, 0, 0, 0, 0]
    assert total(Meter.DOCUMENTS) == 1
    assert total(Meter.STORAGE_BYTES) == 4096


def test_different_events_add_up(in_acme: TenantContext) -> None:
    for _ in range(3):
        services.usage_meter(stored=message(in_acme))
    assert total(Meter.MESSAGES) == 3


@pytest.mark.django_db(transaction=True)
def test_concurrent_deliveries_count_once(acme: TenantContext) -> None:
    stored = message(acme)

    def deliver() -> int:
        try:
            with transaction.atomic():
                return services.usage_meter(stored=stored)
        finally:
            connections.close_all()

    with tenancy.tenant_scope(acme):
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(copy_context().run, deliver) for _ in range(8)]
            assert sum(future.result() for future in futures) == 1
        assert total(Meter.MESSAGES) == 1


@pytest.mark.django_db(transaction=True)
def test_published_event_is_metered_through_the_relay_once(
    acme: TenantContext, pool: ThreadPoolExecutor
) -> None:
    event = message(acme).event
    with tenancy.tenant_scope(acme), transaction.atomic():
        publish(event)
    relay_drain(pool, acme)
    with tenancy.tenant_scope(acme):
        assert UsageEntry.objects.count() == 1
        Delivery.objects.filter(subscriber="billing.usage_meter").update(
            state=Delivery.State.PENDING, next_attempt_at=timezone.now()
        )
    relay_drain(pool, acme)
    with tenancy.tenant_scope(acme):
        assert UsageEntry.objects.count() == 1


def test_ledger_is_confined_to_its_tenant(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.usage_meter(stored=message(acme))
    with tenancy.tenant_scope(globex):
        assert not UsageEntry.objects.exists()
        assert total(Meter.MESSAGES) == 0
    with tenancy.public_scope():
        assert not UsageEntry.objects.exists()


def test_entry_for_another_tenant_is_refused(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme), pytest.raises(ProgrammingError), transaction.atomic():
        UsageEntry.objects.create(
            tenant_id=globex.id, event_id=uuid.uuid4(), meter="runs", quantity=1, occurred_at=AT
        )


def test_entry_cannot_be_altered(in_acme: TenantContext) -> None:
    services.usage_meter(stored=message(in_acme))
    with pytest.raises(ProgrammingError), transaction.atomic():
        UsageEntry.objects.update(quantity=0)
    assert total(Meter.MESSAGES) == 1


def test_entry_cannot_be_removed(in_acme: TenantContext) -> None:
    services.usage_meter(stored=message(in_acme))
    with pytest.raises(ProgrammingError), transaction.atomic():
        UsageEntry.objects.all().delete()
    assert total(Meter.MESSAGES) == 1


def test_platform_role_reads_but_does_not_alter(acme: TenantContext) -> None:
    with (
        tenancy.platform_scope(),
        pytest.raises(ProgrammingError),
        transaction.atomic(using="platform"),
    ):
        UsageEntry.objects.using("platform").update(quantity=0)


def test_report_has_every_day_and_meter(in_acme: TenantContext) -> None:
    services.usage_meter(stored=message(in_acme))
    services.usage_meter(stored=message(in_acme, datetime(2026, 12, 1, tzinfo=UTC)))
    report = selectors.usage_report(period=NOVEMBER)
    assert [day.day for day in report.days] == NOVEMBER.days
    assert {day.day: day.quantities[Meter.MESSAGES] for day in report.days}[AT.date()] == 1
    assert sum(day.quantities[Meter.MESSAGES] for day in report.days) == 1


@pytest.fixture
def in_new_acme(in_acme: TenantContext) -> TenantContext:
    """Acme before its subscription began."""
    Subscription.objects.all().delete()
    return in_acme


def test_trial_starts_with_the_limits_of_its_plan(in_new_acme: TenantContext) -> None:
    subscription = services.subscription_start(plan_code="trial", started_at=AT)
    assert subscription.state == SubscriptionState.TRIALING
    assert subscription.trial_ends_at is not None
    assert (subscription.trial_ends_at - AT).days == services.TRIAL_DAYS
    assert tenant_current().limits == subscription.plan.limits


def test_named_plan_starts_at_once(in_new_acme: TenantContext) -> None:
    subscription = services.subscription_start(plan_code="business")
    assert subscription.state == SubscriptionState.ACTIVE
    assert subscription.trial_ends_at is None


def test_subscription_starts_once(in_new_acme: TenantContext) -> None:
    first = services.subscription_start(plan_code="trial")
    again = services.subscription_start(plan_code="free")
    assert (again.pk, again.plan.code) == (first.pk, "team")


def test_unknown_plan_is_refused(in_new_acme: TenantContext) -> None:
    with pytest.raises(PlanUnknown):
        services.subscription_start(plan_code="gold")


def test_subscription_is_confined_to_its_tenant(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.subscription_start(plan_code="free")
    with tenancy.tenant_scope(globex):
        assert not Subscription.objects.filter(tenant_id=acme.id).exists()


@pytest.mark.django_db(transaction=True)
def test_new_tenant_gets_its_subscription_from_the_event(
    acme: TenantContext, pool: ThreadPoolExecutor
) -> None:
    with tenancy.tenant_scope(acme):
        Subscription.objects.all().delete()
        with transaction.atomic():
            publish(catalogue.TenantCreated(tenant_id=acme.id, plan="trial"))
    relay_drain(pool, acme)
    with tenancy.tenant_scope(acme):
        found = selectors.subscription_current()
        assert found is not None
        assert found.state == SubscriptionState.TRIALING


def test_offered_plans_have_valid_limits(in_acme: TenantContext) -> None:
    plans = list(Plan.objects.all())
    assert [plan.code for plan in plans] == ["free", "team", "business"]
    assert all(limits_faults(plan.limits) == [] for plan in plans)
    for plan in plans:
        plan.full_clean()
