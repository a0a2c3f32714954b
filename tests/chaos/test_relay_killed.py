"""kill -9 of the relay, again and again while it works: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import transaction

from billing.models import UsageEntry
from config.env import BASE_DIR
from core import tenancy
from core.events import catalogue, publish
from core.events.models import Delivery
from core.tenancy import TenantContext

EVENTS = 300
KILLS = 2


@contextmanager
def relay_running() -> Iterator[subprocess.Popen[bytes]]:
    """Run a real relay process on this test's database; it is killed at the end, if still alive."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "TEST_DATABASE": settings.DATABASES["default"]["NAME"],
        "FRONTDESK_DB_ROLE": "app",
    }
    command = [sys.executable, "manage.py", "relay"]
    process = subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def publish_received(tenant: TenantContext, count: int) -> None:
    for number in range(count):
        with tenancy.tenant_scope(tenant), transaction.atomic():
            publish(
                catalogue.MessageReceived(
                    conversation_id=uuid.uuid4(), message_id=uuid.uuid4(), seq=number, characters=9
                )
            )


def pending() -> int:
    with tenancy.platform_scope():
        return Delivery.objects.filter(subscriber="billing.usage_meter", state="pending").count()


def wait_until(is_enough: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while pending() > is_enough and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_killed_relay_loses_and_doubles_nothing(acme: TenantContext, globex: TenantContext) -> None:
    publish_received(acme, EVENTS)
    publish_received(globex, 20)
    for _ in range(KILLS):
        with relay_running() as process:
            wait_until(max(0, pending() - random.randint(10, 60)))
            os.kill(process.pid, signal.SIGKILL)
    assert 0 < pending() < EVENTS + 20, "the kills should fall into the middle of the work"
    with relay_running():
        wait_until(0)
    assert pending() == 0
    for tenant, count in ((acme, EVENTS), (globex, 20)):
        with tenancy.tenant_scope(tenant):
            entries = UsageEntry.objects.filter(meter="messages")
            assert entries.count() == entries.values("event_id").distinct().count() == count
