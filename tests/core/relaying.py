"""What the tests of events share: a subscriber that remembers, and a relay run by hand."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from django.db import transaction
from django.utils import timezone

from core import tenancy
from core.events import StoredEvent, catalogue, publish
from core.events.models import Delivery, EventReplay
from core.events.relay import relay_once, replays_once
from core.tenancy import TenantContext

SUBSCRIBER = "tests.recorder"


class Recorder:
    """A subscriber that remembers what it got, and fails while told to."""

    def __init__(self) -> None:
        self.got: list[StoredEvent] = []
        self.is_failing = False

    def __call__(self, stored: StoredEvent) -> None:
        if self.is_failing:
            raise RuntimeError("told to fail")
        self.got.append(stored)

    def events_of(self, tenant: TenantContext) -> list[catalogue.Event]:
        return [got.event for got in self.got if got.tenant_id == tenant.id]


def deleted() -> catalogue.DocumentDeleted:
    return catalogue.DocumentDeleted(document_id=uuid.uuid4())


def publish_in(tenant: TenantContext, *events: catalogue.Event) -> None:
    with tenancy.tenant_scope(tenant), transaction.atomic():
        for event in events:
            publish(event)


def relay_all(pool: ThreadPoolExecutor) -> int:
    """Relay until nothing is due; writers of other databases on this server hold the watermark."""
    delivered, deadline = 0, time.monotonic() + 20
    while (_due_now() or _replays_open()) and time.monotonic() < deadline:
        delivered += relay_once(pool)
        replays_once(pool)
    return delivered


def _due_now() -> bool:
    with tenancy.platform_scope():
        due = Delivery.objects.filter(state="pending", next_attempt_at__lte=timezone.now())
        return due.exists()


def _replays_open() -> bool:
    with tenancy.platform_scope():
        return EventReplay.objects.filter(state__in=EventReplay.OPEN).exists()


def mine() -> list[Delivery]:
    with tenancy.platform_scope():
        return list(Delivery.objects.filter(subscriber=SUBSCRIBER).order_by("id"))


def retry_now() -> None:
    with tenancy.platform_scope():
        Delivery.objects.filter(state="pending").update(next_attempt_at=timezone.now())
