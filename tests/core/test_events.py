"""Events commit with their change, reach every subscriber, and fail in the open."""

from __future__ import annotations

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from core import tenancy
from core.events import outbox, publish, registry
from core.events.dead_letters import dead_letters_redrive
from core.events.models import OutboxEvent
from core.events.relay import deliveries_due, relay_once
from core.tenancy import TenantContext
from tests.core.relaying import (
    SUBSCRIBER,
    Recorder,
    deleted,
    mine,
    publish_in,
    relay_all,
    retry_now,
)
from tests.services import SUPERUSER

pytestmark = pytest.mark.django_db(transaction=True)


def test_event_of_a_rolled_back_change_never_exists(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    with tenancy.tenant_scope(acme), transaction.atomic():
        publish(deleted())
        transaction.set_rollback(True)
    relay_all(pool)
    assert recorder.got == []


def test_publish_outside_a_transaction_is_refused(in_acme: TenantContext) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        publish(deleted())


def test_relay_delivers_in_the_tenants_order(
    acme: TenantContext, globex: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    events = [deleted() for _ in range(20)]
    for event in events:
        publish_in(acme, event)
    publish_in(globex, deleted())
    relay_all(pool)
    assert [got.event for got in recorder.got if got.tenant_id == acme.id] == events
    assert relay_once(pool) == 0


def test_handler_runs_inside_the_events_tenant(
    globex: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    publish_in(globex, deleted())
    relay_all(pool)
    assert recorder.got[0].tenant_id == globex.id


def test_event_of_a_transaction_still_open_is_not_overtaken(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """A later commit with an earlier id must not be skipped: the watermark waits for it."""
    began, finish = threading.Event(), threading.Event()
    early, late = deleted(), deleted()

    def slow() -> None:
        try:
            with tenancy.tenant_scope(acme), transaction.atomic():
                publish(early)
                began.set()
                assert finish.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(10)
    publish_in(acme, late)
    assert relay_once(pool) == 0
    finish.set()
    thread.join()
    relay_all(pool)
    assert [got.event for got in recorder.got] == [early, late]


@pytest.mark.parametrize("seed", range(3))
def test_relay_beside_many_writers_skips_none_and_keeps_each_tenants_order(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    seed: int,
) -> None:
    """Transactions overlap, some are rolled back, and the relay delivers all the while."""
    writers = [
        threading.Thread(target=_write, args=(tenant, random.Random(f"{seed} {number}")))
        for number, tenant in enumerate((acme, acme, acme, globex, globex))
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        relay_once(pool)
    relay_all(pool)
    for tenant in (acme, globex):
        got = [stored.event_id for stored in recorder.got if stored.tenant_id == tenant.id]
        assert got == _stored_order(tenant)
        assert len(got) > 10


def _write(tenant: TenantContext, dice: random.Random) -> None:
    try:
        for _ in range(12):
            with tenancy.tenant_scope(tenant), transaction.atomic():
                for _ in range(dice.randint(1, 3)):
                    publish(deleted())
                    time.sleep(dice.random() / 100)
                transaction.set_rollback(dice.random() < 0.2)
    finally:
        connections.close_all()


def _stored_order(tenant: TenantContext) -> list[uuid.UUID]:
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM core_outboxevent WHERE tenant_id = %s ORDER BY xid, id",
            (tenant.id,),
        )
        return [row[0] for row in cursor.fetchall()]


def test_failing_handler_becomes_a_dead_letter_and_can_be_redriven(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    recorder.is_failing = True
    publish_in(acme, deleted())
    for _ in range(4):
        relay_all(pool)
        retry_now()
    (delivery,) = mine()
    assert (delivery.state, delivery.attempts) == ("dead", 4)
    assert delivery.reason == "RuntimeError: told to fail"
    recorder.is_failing = False
    with tenancy.platform_scope():
        assert dead_letters_redrive(subscriber=SUBSCRIBER) == 1
    relay_all(pool)
    assert len(recorder.got) == 1


def test_retry_waits_with_back_off(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    recorder.is_failing = True
    publish_in(acme, deleted())
    relay_all(pool)
    (delivery,) = mine()
    wait = (delivery.next_attempt_at - timezone.now()).total_seconds()
    assert delivery.state == "pending"
    assert 0.3 < wait <= 1.3
    assert deliveries_due() == []


def test_two_relays_deliver_once(acme: TenantContext, recorder: Recorder) -> None:
    publish_in(acme, *[deleted() for _ in range(30)])
    with ThreadPoolExecutor(4) as first, ThreadPoolExecutor(4) as second:
        runners = [threading.Thread(target=_relay_and_close, args=(p,)) for p in (first, second)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
    assert len(recorder.got) == 30
    assert len({got.event_id for got in recorder.got}) == 30


def _relay_and_close(pool: ThreadPoolExecutor) -> None:
    with tenancy.public_scope():
        relay_all(pool)
    connections.close_all()


def test_application_role_reads_only_its_tenants_outbox(
    acme: TenantContext, globex: TenantContext
) -> None:
    publish_in(acme, deleted())
    publish_in(globex, deleted())
    with tenancy.tenant_scope(acme):
        assert {row.tenant_id for row in OutboxEvent.objects.all()} == {acme.id}
    assert OutboxEvent.objects.count() == 0


def test_old_delivered_partitions_are_dropped_and_unfinished_kept(world: Any) -> None:
    name = connection.settings_dict["NAME"]
    with psycopg.connect(SUPERUSER, dbname=name, autocommit=True) as server:
        for day in ("20200101", "20200102"):
            for parent in ("core_outboxevent", "core_delivery"):
                server.execute(
                    f"CREATE TABLE {parent}_{day} PARTITION OF {parent} "
                    f"FOR VALUES FROM ('{day}') TO ('{day}'::date + 1)"
                )
                server.execute(f"ALTER TABLE {parent}_{day} OWNER TO frontdesk_owner")
        server.execute(
            "INSERT INTO core_delivery (event_seq, occurred_at, tenant_id, subscriber, "
            "next_attempt_at, state) VALUES (1, '2020-01-02 10:00', gen_random_uuid(), 'x', "
            "now(), 'dead')"
        )
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute("SELECT core_outbox_partitions_drop(14)")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT to_regclass('core_delivery_20200101') IS NULL")
        assert cursor.fetchone() == (True,)


def test_urgent_subscriber_is_served_at_once_or_by_the_relay_in_a_rush(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    registry._subscribers[SUBSCRIBER] = replace(registry._subscribers[SUBSCRIBER], is_urgent=True)
    first, second = deleted(), deleted()
    publish_in(acme, first)
    assert [got.event for got in recorder.got] == [first]
    with ExitStack() as rush:
        for _ in range(outbox.URGENT_AT_ONCE):
            rush.enter_context(outbox.place_taken(acme.id))
        publish_in(acme, second)
        assert [got.event for got in recorder.got] == [first]
    relay_all(pool)
    assert [got.event for got in recorder.got] == [first, second]
