"""kill -9 of the relay, again and again while it works: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from analytics.models import ActivityFact, DailyActivity
from billing.models import UsageEntry
from config.env import BASE_DIR
from core import tenancy
from core.events import catalogue, publish
from core.events.models import Delivery, EventReplay
from core.events.relay import relay_once
from core.events.replay import events_replay, replay_progress
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_relay_killed_in_a_replay_goes_on_behind_its_last_turn(
    acme: TenantContext, globex: TenantContext
) -> None:
    _hand_over(acme, EVENTS)
    _hand_over(globex, 20)
    with ThreadPoolExecutor(2) as pool:
        _wait_for(lambda: not relay_once(pool) and handovers(acme) == EVENTS)
    with tenancy.tenant_scope(globex):
        DailyActivity.objects.update(handovers=7)
    (row,) = events_replay(
        subscriber="analytics.activity_project",
        since=timezone.now() - timedelta(hours=1),
        tenant_slug="acme",
        rebuild=True,
    )
    _hand_over(acme, 5)
    lefts = [EVENTS]
    for share in (0.8, 0.5):
        with relay_running() as process:
            _wait_for(partial(_is_amid, row, EVENTS * share))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        lefts.append(_left(row))
    assert 0 < lefts[2] < lefts[1] < lefts[0], "the kills should fall into the middle"
    with relay_running():
        _wait_for(lambda: handovers(acme) == EVENTS + 5)
    (progress,) = replay_progress([row.pk])
    assert (progress.state, progress.done, progress.failed) == ("done", EVENTS, 0)
    with tenancy.tenant_scope(acme):
        assert ActivityFact.objects.count() == EVENTS + 5
    assert handovers(globex) == 7, "the other workspace is not replayed"


def _hand_over(tenant: TenantContext, count: int) -> None:
    for _ in range(count):
        with tenancy.tenant_scope(tenant), transaction.atomic():
            publish(
                catalogue.HandoverRequested(
                    conversation_id=uuid.uuid4(), reason="asked", queue="main"
                )
            )


def _is_amid(row: EventReplay, limit: float) -> bool:
    return 0 < _left(row) < limit


def _left(row: EventReplay) -> int:
    """Return how many deliveries of a replay that is planned are still to come."""
    (progress,) = replay_progress([row.pk])
    return progress.left if progress.state == EventReplay.State.DELIVERING else 0


def handovers(tenant: TenantContext) -> int:
    with tenancy.tenant_scope(tenant):
        return sum(DailyActivity.objects.values_list("handovers", flat=True))


def _wait_for(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.005)
