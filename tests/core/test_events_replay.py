"""A replay delivers stored events again, in order, beside everything else."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.utils import timezone

from analytics.models import ActivityFact, DailyActivity
from core import tenancy
from core.audit.models import AuditEntry
from core.errors import NotFound, ReplayRefused, ReplayUnderWay, SubscriberUnknown
from core.events import StoredEvent, catalogue, publish, registry
from core.events import replay as replays
from core.events.models import Delivery, EventReplay, OutboxEvent
from core.events.relay import partitions_maintain, relay_once, replays_once
from core.events.replay import events_replay, replay_cancel, replay_preview, replay_progress
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

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def before_now() -> datetime:
    return timezone.now() - timedelta(hours=1)


@pytest.fixture
def published(
    acme: TenantContext, globex: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> list[catalogue.Event]:
    """Return twelve events of acme that were delivered, as was one of globex."""
    events: list[catalogue.Event] = [deleted() for _ in range(12)]
    for event in events:
        publish_in(acme, event)
    publish_in(globex, deleted())
    relay_all(pool)
    assert recorder.events_of(acme) == events
    return events


def test_replay_delivers_everything_again_in_order(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    made = events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    relay_all(pool)
    assert recorder.events_of(acme) == published * 2
    assert len(recorder.events_of(globex)) == 1
    (progress,) = replay_progress([row.pk for row in made])
    assert (progress.state, progress.planned, progress.done) == ("done", 12, 12)


def test_replay_of_all_workspaces_reaches_each(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    assert len(events_replay(subscriber=SUBSCRIBER, since=before_now())) == 2
    relay_all(pool)
    assert recorder.events_of(acme) == published * 2
    assert len(recorder.events_of(globex)) == 2


def test_replay_takes_the_span_and_nothing_beside_it(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    with tenancy.platform_scope():
        rows = list(OutboxEvent.objects.filter(tenant_id=acme.id).order_by("id"))
    events_replay(subscriber=SUBSCRIBER, since=rows[3].occurred_at, until=rows[6].occurred_at)
    relay_all(pool)
    assert recorder.events_of(acme) == published + published[3:6]


def test_replay_leaves_other_subscribers_alone(
    recorder: Recorder, published: list[catalogue.Event], pool: ThreadPoolExecutor
) -> None:
    other = Recorder()
    registry._subscribers["tests.other"] = replace(
        registry._subscribers[SUBSCRIBER], name="tests.other", handler=other
    )
    try:
        events_replay(subscriber=SUBSCRIBER, since=before_now())
        relay_all(pool)
        assert other.got == []
        events_replay(subscriber="tests.other", since=before_now(), tenant_slug="acme")
        relay_all(pool)
        assert [got.event for got in other.got] == published, "a new one gets what it missed"
    finally:
        del registry._subscribers["tests.other"]


def test_pending_and_dead_deliveries_join_and_are_not_doubled(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    recorder.is_failing = True
    first, second = deleted(), deleted()
    publish_in(acme, first)
    for _ in range(4):
        relay_all(pool)
        retry_now()
    publish_in(acme, second)
    assert [row.state for row in mine()] == ["dead", "pending"]
    recorder.is_failing = False
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    relay_all(pool)
    assert recorder.events_of(acme) == [first, second]
    assert [row.state for row in mine()] == ["done", "done"]


def test_new_events_of_the_subscriber_wait_for_its_replay(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    late, elsewhere = deleted(), deleted()
    publish_in(acme, late)
    publish_in(globex, elsewhere)
    deadline = time.monotonic() + 20
    while relay_once(pool) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)  # the watermark of a busy server may take a moment
    assert recorder.events_of(globex)[-1] == elsewhere, "another workspace's is not held up"
    assert recorder.events_of(acme) == published
    relay_all(pool)
    assert recorder.events_of(acme) == [*published, *published, late]


def test_what_is_due_from_before_the_span_comes_first(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    early, late = deleted(), deleted()
    publish_in(acme, early)
    since = timezone.now()
    publish_in(acme, late)
    events_replay(subscriber=SUBSCRIBER, since=since)
    assert replays_once(pool) == 0
    assert recorder.got == []
    relay_all(pool)
    assert recorder.events_of(acme) == [early, late]


def test_events_that_commit_out_of_order_are_replayed_as_they_were_delivered(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """Transactions begin and commit in different orders; a replay repeats the first one's order."""
    turns = [threading.Event() for _ in range(4)]

    def write(number: int) -> None:
        try:
            with tenancy.tenant_scope(acme), transaction.atomic():
                publish(deleted())
                turns[number].set()
                publish(deleted())
                if number < 3:
                    assert turns[number + 1].wait(10)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for number, thread in enumerate(threads):
        thread.start()
        assert turns[number].wait(10)
    for thread in threads:
        thread.join()
    relay_all(pool)
    first = recorder.events_of(acme)
    assert len(first) == len(set(first)) == 8
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    relay_all(pool)
    assert recorder.events_of(acme) == first * 2


def test_events_above_the_watermark_are_neither_lost_nor_doubled(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    """One transaction is open while the replay is planned; a later one has committed before it."""
    early, late = deleted(), deleted()

    def publish_late() -> None:
        publish_in(acme, late)
        connections.close_all()

    with tenancy.tenant_scope(acme), transaction.atomic():
        publish(early)
        writer = threading.Thread(target=publish_late)
        writer.start()
        writer.join()
        events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
        for _ in range(4):
            replays_once(pool)
        assert recorder.events_of(acme) == published * 2
    relay_all(pool)
    assert recorder.events_of(acme) == [*published, *published, early, late]
    assert len(mine()) == 13 + 12 + 2


def test_long_replay_is_planned_in_chunks(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replays, "CHUNK", 5)
    monkeypatch.setattr(replays, "TOGETHER", 2)
    monkeypatch.setattr(replays, "TURN_SECONDS", 0.001)
    events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    relay_all(pool)
    assert recorder.events_of(acme) == published * 2


def test_failed_delivery_of_a_replay_is_retried_like_any_other(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    made = events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    recorder.is_failing = True
    relay_all(pool)
    (progress,) = replay_progress([row.pk for row in made])
    assert (progress.state, progress.done, progress.failed) == ("done", 0, 12)
    recorder.is_failing = False
    retry_now()
    relay_all(pool)
    assert recorder.events_of(acme) == published * 2


def test_second_request_is_refused_until_the_first_has_ended(
    recorder: Recorder, published: list[catalogue.Event], pool: ThreadPoolExecutor
) -> None:
    events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    with pytest.raises(ReplayUnderWay):
        events_replay(subscriber=SUBSCRIBER, since=before_now())
    assert EventReplay.objects.count() == 0, "the shared scope sees nobody's"
    with tenancy.platform_scope():
        assert EventReplay.objects.count() == 1
    relay_all(pool)
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    relay_all(pool)
    assert len(recorder.got) == 13 + 12 + 13


def test_cancelled_replay_drops_its_plan_and_keeps_first_deliveries(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    fresh = deleted()
    publish_in(acme, fresh)
    (row,) = events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    while row.state != EventReplay.State.DELIVERING:
        replays_once(pool)
        with tenancy.platform_scope():
            row.refresh_from_db()
        assert row.state in EventReplay.OPEN
        assert recorder.events_of(acme) == published, "nothing is delivered while it is planned"
    assert replay_cancel(subscriber=SUBSCRIBER) == 1
    assert replay_cancel(subscriber=SUBSCRIBER) == 0
    relay_all(pool)
    assert recorder.events_of(acme) == [*published, fresh]


def test_request_is_recorded_in_both_chains(
    acme: TenantContext, recorder: Recorder, published: list[catalogue.Event]
) -> None:
    events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    with tenancy.platform_scope():
        found = AuditEntry.objects.filter(act="events.replayed").values_list("tenant_id", flat=True)
        assert set(found) == {acme.id, uuid.UUID(int=0)}


def test_application_role_can_neither_request_nor_move_a_replay(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
) -> None:
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    with tenancy.tenant_scope(acme):
        assert [row.tenant_id for row in EventReplay.objects.all()] == [acme.id]
    for statement in (
        "UPDATE core_eventreplay SET state = 'done'",
        "DELETE FROM core_eventreplay",
        "INSERT INTO core_eventreplay (id) VALUES (gen_random_uuid())",
    ):
        with (
            tenancy.tenant_scope(acme),
            connections["default"].cursor() as cursor,
            pytest.raises(Exception, match="permission denied"),
        ):
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"subscriber": "tests.nobody"}, SubscriberUnknown),
        ({"tenant_slug": "nobody"}, NotFound),
        ({"since": timezone.now() + timedelta(hours=1)}, ReplayRefused),
        ({"until": timezone.now() + timedelta(hours=1)}, ReplayRefused),
        ({"until": LONG_AGO - timedelta(days=1)}, ReplayRefused),
        ({"rebuild": True}, ReplayRefused),
    ],
)
def test_senseless_request_is_refused(
    recorder: Recorder, world: Any, changed: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        events_replay(**{"subscriber": SUBSCRIBER, "since": LONG_AGO, **changed})


def test_preview_counts_and_changes_nothing(
    recorder: Recorder, published: list[catalogue.Event], pool: ThreadPoolExecutor
) -> None:
    plans = replay_preview(subscriber=SUBSCRIBER, since=before_now())
    assert [(plan.tenant.slug, plan.events) for plan in plans] == [("acme", 12), ("globex", 1)]
    relay_all(pool)
    assert len(recorder.got) == 13


def test_days_without_partition_are_said_to_be_gone(world: Any) -> None:
    gone = replays.days_gone(timezone.now() - timedelta(days=30))
    assert len(gone) >= 29
    assert timezone.now().date() not in gone


def test_no_partition_is_dropped_while_a_replay_is_open(
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.events.relay.KEEP_DAYS", -1)
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    with tenancy.platform_scope():
        partitions_maintain()
        assert OutboxEvent.objects.count() == 13


# --- rebuilding a projection

Numbers = list[tuple[Any, ...]]


def numbers(tenant: TenantContext) -> Numbers:
    with tenancy.tenant_scope(tenant):
        fields = ("day", "conversations", "visitor_messages", "ai_replies", "handovers")
        return list(DailyActivity.objects.values_list(*fields))


def talk(tenant: TenantContext, conversations: int) -> None:
    for conversation in [uuid.uuid4() for _ in range(conversations)]:
        publish_in(
            tenant,
            *[
                catalogue.MessageReceived(
                    conversation_id=conversation, message_id=uuid.uuid4(), seq=n, characters=3
                )
                for n in range(2)
            ],
            catalogue.HandoverRequested(conversation_id=conversation, reason="asked", queue="main"),
        )


@pytest.fixture
def projected(
    acme: TenantContext, globex: TenantContext, pool: ThreadPoolExecutor
) -> Iterator[dict[str, Numbers]]:
    """Return the numbers of a projection that the relay has made in both workspaces."""
    without_runs = {
        name: found
        for name, found in registry._subscribers.items()
        if name.startswith("workflows.")
    }
    for name in without_runs:
        del registry._subscribers[name]
    talk(acme, 3)
    talk(globex, 5)
    relay_all(pool)
    yield {"acme": numbers(acme), "globex": numbers(globex)}
    registry._subscribers.update(without_runs)


def test_rebuilt_projection_equals_the_first(
    acme: TenantContext,
    globex: TenantContext,
    projected: dict[str, Numbers],
    pool: ThreadPoolExecutor,
) -> None:
    assert projected["acme"][0][1:] == (3, 6, 0, 3)
    with tenancy.tenant_scope(acme):
        DailyActivity.objects.update(visitor_messages=999, conversations=0)
        ActivityFact.objects.filter(kind="handover").delete()
    with tenancy.tenant_scope(globex):
        DailyActivity.objects.update(visitor_messages=777)
    events_replay(
        subscriber="analytics.activity_project",
        since=before_now(),
        tenant_slug="acme",
        rebuild=True,
    )
    relay_all(pool)
    assert numbers(acme) == projected["acme"]
    assert numbers(globex)[0][2] == 777, "the other workspace is not touched"


def test_replay_without_rebuild_counts_nothing_twice(
    acme: TenantContext, projected: dict[str, Numbers], pool: ThreadPoolExecutor
) -> None:
    events_replay(subscriber="analytics.activity_project", since=before_now())
    relay_all(pool)
    assert numbers(acme) == projected["acme"]


def test_rebuild_that_fails_ends_the_replay_with_its_reason(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    def broken(since: datetime, until: datetime) -> None:
        raise RuntimeError("private words")

    registry._subscribers[SUBSCRIBER] = replace(registry._subscribers[SUBSCRIBER], rebuild=broken)
    made = events_replay(
        subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme", rebuild=True
    )
    late = deleted()
    publish_in(acme, late)
    relay_all(pool)
    (progress,) = replay_progress([row.pk for row in made])
    assert (progress.state, progress.reason) == ("failed", "The rebuild failed with RuntimeError.")
    assert recorder.events_of(acme) == [*published, late], "it holds nothing back any more"


# --- the command


class Starting(StringIO):
    """Output that starts a relay once the command says that it follows."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__()
        self.relay = threading.Thread(target=_relay_and_close, args=(pool,))

    def write(self, text: str) -> int:
        if "replays are under way" in text:
            self.relay.start()
        return super().write(text)


def _relay_and_close(pool: ThreadPoolExecutor) -> None:
    with tenancy.public_scope():
        relay_all(pool)
    connections.close_all()


def test_command_counts_requests_and_follows_when_repeated(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    asked = ("--since", before_now().isoformat(), "--tenant", "acme")
    assert "12 events of 1 workspaces; nothing was changed" in command(*asked, "--dry-run")
    assert "requested for 1 workspaces" in command(*asked, "--no-wait")
    out = Starting(pool)
    call_command("events_replay", SUBSCRIBER, *asked, stdout=out)
    out.relay.join()
    assert "nothing new requested; 1 replays are under way" in out.getvalue()
    assert "acme: done, 12 delivered, 0 failed" in out.getvalue()
    assert recorder.events_of(acme) == published * 2


def test_command_says_which_days_are_gone(recorder: Recorder, world: Any) -> None:
    errors = StringIO()
    command("--since", "2026-01-01", "--dry-run", stderr=errors)
    assert "from 2026-01-01 to" in errors.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "yesterday"], "is no time; write 2026-11-20"),
        (["--since", "2999-01-01"], "into the future"),
        ([], "Say from when on"),
        (["--since", "2026-01-01", "--tenant", "nobody"], "no active workspace 'nobody'"),
        (["--since", "2026-01-01", "--rebuild"], "nothing to rebuild"),
    ],
)
def test_command_says_what_is_wrong(
    recorder: Recorder, world: Any, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        command(*arguments)


def test_command_cancels(recorder: Recorder, published: list[catalogue.Event]) -> None:
    events_replay(subscriber=SUBSCRIBER, since=before_now())
    assert command("--cancel").strip() == "2 replays cancelled"


def command(*arguments: str, stderr: StringIO | None = None) -> str:
    out = StringIO()
    call_command("events_replay", SUBSCRIBER, *arguments, stdout=out, stderr=stderr or StringIO())
    return out.getvalue()


def test_replayed_event_keeps_its_id_and_time(
    acme: TenantContext,
    recorder: Recorder,
    published: list[catalogue.Event],
    pool: ThreadPoolExecutor,
) -> None:
    first: list[StoredEvent] = [got for got in recorder.got if got.tenant_id == acme.id]
    events_replay(subscriber=SUBSCRIBER, since=before_now(), tenant_slug="acme")
    relay_all(pool)
    assert recorder.got[len(first) + 1 :] == first
    with tenancy.platform_scope():
        assert Delivery.objects.filter(subscriber=SUBSCRIBER, state="pending").count() == 0
