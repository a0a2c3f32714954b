"""The activity projection: counted once, in any order, and the same when rebuilt."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from analytics import services
from analytics.models import ActivityFact, ConversationStart, DailyActivity
from analytics.projection import PROJECTED
from core import tenancy
from core.events import StoredEvent, catalogue, publish
from core.events.models import OutboxEvent
from core.tenancy import TenantContext

FIRST = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
NEXT = FIRST + timedelta(hours=1)
Rows = dict[date, tuple[int, ...]]


def received(conversation: uuid.UUID) -> catalogue.Event:
    return catalogue.MessageReceived(
        conversation_id=conversation, message_id=uuid.uuid4(), seq=1, characters=3
    )


def one_of_each(conversation: uuid.UUID) -> list[catalogue.Event]:
    other = uuid.uuid4()
    return [
        received(conversation),
        catalogue.ReplyAppended(
            conversation_id=conversation, message_id=other, run_id=other, seq=2, citations=1
        ),
        catalogue.HandoverRequested(conversation_id=conversation, reason="asked", queue="main"),
        catalogue.AgentReplied(conversation_id=conversation, message_id=other, person_id=other),
        catalogue.ConversationResolved(conversation_id=conversation, by="person"),
    ]


def stored(event: catalogue.Event, at: datetime = FIRST) -> StoredEvent:
    return StoredEvent(uuid.uuid4(), uuid.uuid4(), event, at)


def rows() -> Rows:
    values = DailyActivity.objects.values_list(
        "day",
        "conversations",
        "visitor_messages",
        "ai_replies",
        "agent_replies",
        "handovers",
        "resolved",
    )
    return {day: tuple(numbers) for day, *numbers in values if any(numbers)}


def test_one_of_each_is_counted(in_acme: TenantContext) -> None:
    events = one_of_each(uuid.uuid4())
    assert {type(event) for event in events} == set(PROJECTED)
    for event in events:
        assert services.activity_project(stored=stored(event))
    assert rows() == {FIRST.date(): (1, 1, 1, 1, 1, 1)}


def test_event_of_no_interest_is_left_out(in_acme: TenantContext) -> None:
    assert not services.activity_project(
        stored=stored(catalogue.DocumentDeleted(document_id=uuid.uuid4()))
    )
    assert rows() == {}


def test_redelivery_counts_once(in_acme: TenantContext) -> None:
    event = stored(received(uuid.uuid4()))
    assert [services.activity_project(stored=event) for _ in range(4)] == [True, *[False] * 3]
    assert rows() == {FIRST.date(): (1, 1, 0, 0, 0, 0)}


def test_conversation_counts_on_its_first_day(in_acme: TenantContext) -> None:
    conversation = uuid.uuid4()
    services.activity_project(stored=stored(received(conversation), FIRST))
    services.activity_project(stored=stored(received(conversation), NEXT))
    assert rows() == {FIRST.date(): (1, 1, 0, 0, 0, 0), NEXT.date(): (0, 1, 0, 0, 0, 0)}


@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_same_numbers(in_acme: TenantContext, seed: int) -> None:
    conversations = [uuid.UUID(int=n) for n in range(1, 4)]
    events = [
        StoredEvent(uuid.UUID(int=100 + n), in_acme.id, event, FIRST + timedelta(hours=n % 5))
        for n, event in enumerate(e for c in conversations for e in one_of_each(c))
    ]
    for event in events:
        services.activity_project(stored=event)
    expected = rows()
    for model in (ActivityFact, ConversationStart, DailyActivity):
        model.objects.all().delete()
    random.Random(seed).shuffle(events)
    for event in events + events[:4]:
        services.activity_project(stored=event)
    assert rows() == expected


def test_rebuild_from_zero_gives_the_same_numbers(in_acme: TenantContext) -> None:
    for conversation in (uuid.uuid4(), uuid.uuid4()):
        for number, event in enumerate(one_of_each(conversation)):
            services.activity_project(stored=stored(event, FIRST + timedelta(hours=number)))
    expected = rows()
    assert len(expected) == 2
    DailyActivity.objects.all().delete()
    ConversationStart.objects.all().delete()
    assert services.activity_rebuild() == 10
    assert rows() == expected
    services.activity_rebuild()
    assert rows() == expected


def test_rebuild_repairs_damaged_numbers(in_acme: TenantContext) -> None:
    services.activity_project(stored=stored(received(uuid.uuid4())))
    DailyActivity.objects.update(visitor_messages=99)
    services.activity_rebuild()
    assert rows() == {FIRST.date(): (1, 1, 0, 0, 0, 0)}


def test_rebuild_takes_events_that_were_never_delivered(in_acme: TenantContext) -> None:
    with transaction.atomic():
        for event in one_of_each(uuid.uuid4()):
            publish(event)
    services.activity_rebuild()
    assert list(rows().values()) == [(1, 1, 1, 1, 1, 1)]
    row = OutboxEvent.objects.get(tenant_id=in_acme.id, name="conversation.message.received")
    late = StoredEvent(
        row.event_id,
        in_acme.id,
        received(uuid.UUID(row.payload["conversation_id"])),
        row.occurred_at,
    )
    assert not services.activity_project(stored=late)


def test_rebuild_leaves_other_tenants_alone(acme: TenantContext, globex: TenantContext) -> None:
    for tenant, count in ((acme, 2), (globex, 5)):
        with tenancy.tenant_scope(tenant):
            for _ in range(count):
                services.activity_project(stored=stored(received(uuid.uuid4())))
    with tenancy.tenant_scope(acme):
        services.activity_rebuild()
        assert rows() == {FIRST.date(): (2, 2, 0, 0, 0, 0)}
    with tenancy.tenant_scope(globex):
        assert rows() == {FIRST.date(): (5, 5, 0, 0, 0, 0)}


@pytest.mark.django_db(transaction=True)
def test_concurrent_deliveries_count_once(acme: TenantContext) -> None:
    conversation = uuid.uuid4()
    events = [stored(received(conversation)) for _ in range(4)]

    def deliver(event: StoredEvent) -> bool:
        try:
            return services.activity_project(stored=event)
        finally:
            connections.close_all()

    with tenancy.tenant_scope(acme):
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(copy_context().run, deliver, e) for e in events * 3]
            assert sum(future.result() for future in futures) == 4
        assert rows() == {FIRST.date(): (1, 4, 0, 0, 0, 0)}


def test_command_rebuilds_one_workspace(in_acme: TenantContext) -> None:
    services.activity_project(stored=stored(received(uuid.uuid4())))
    out = StringIO()
    call_command("analytics_rebuild", tenant="acme", stdout=out)
    assert out.getvalue().strip() == "acme: 1 facts"


def test_command_refuses_an_unknown_workspace(in_acme: TenantContext) -> None:
    with pytest.raises(CommandError):
        call_command("analytics_rebuild", tenant="nobody", stdout=StringIO())
