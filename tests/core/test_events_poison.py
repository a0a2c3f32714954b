"""A poison event ends as a dead letter with its reason, and never holds up the others."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connection

from core import tenancy
from core.errors import EventTooLarge
from core.events import StoredEvent, catalogue, deliver, hands, registry
from core.events import relay as relaying
from core.events.models import Delivery, OutboxEvent
from core.events.outbox import PAYLOAD_BYTES
from core.events.relay import deliveries_due, relay_once
from core.tenancy import TenantContext
from knowledge.models import Chunk
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
Poison = Callable[[StoredEvent], None]


@pytest.fixture
def poisoned(
    acme: TenantContext, globex: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> Callable[[Poison], Delivery]:
    """Return a function that delivers one poison event among good ones, to its end."""

    def delivered(poison: Poison) -> Delivery:
        bad, good = deleted(), [deleted(), deleted()]

        def handle(stored: StoredEvent) -> None:
            (poison if stored.event == bad else recorder)(stored)

        registry._subscribers[SUBSCRIBER] = replace(
            registry._subscribers[SUBSCRIBER], handler=handle
        )
        publish_in(acme, good[0], bad, good[1])
        publish_in(globex, deleted())
        for _ in range(7):
            relay_all(pool)
            retry_now()
        assert set(recorder.events_of(acme)) == set(good)
        assert len(recorder.events_of(globex)) == 1
        assert deliveries_due() == [], "it is not tried again"
        (letter,) = [row for row in mine() if row.state != "done"]
        return letter

    return delivered


def test_handler_that_always_raises(poisoned: Any) -> None:
    def poison(stored: StoredEvent) -> None:
        raise ZeroDivisionError("no")

    letter = poisoned(poison)
    assert (letter.state, letter.attempts, letter.reason) == ("dead", 4, "ZeroDivisionError: no")


def test_handler_that_leaves_the_process(poisoned: Any) -> None:
    def poison(stored: StoredEvent) -> None:
        raise SystemExit(3)

    letter = poisoned(poison)
    assert (letter.state, letter.reason) == ("dead", "SystemExit: 3")


def test_handler_that_breaks_its_transaction(poisoned: Any) -> None:
    def poison(stored: StoredEvent) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    assert poisoned(poison).reason.startswith("DataError: division by zero")


def test_handler_whose_writes_fail_at_the_commit(poisoned: Any) -> None:
    """Foreign keys are looked at when the transaction ends, which others share."""

    def poison(stored: StoredEvent) -> None:
        Chunk.objects.create(
            document_id=uuid.uuid4(), version=1, position=0, text="", start=0, end=0, token_count=0
        )

    letter = poisoned(poison)
    assert letter.state == "dead"
    assert letter.reason.startswith("IntegrityError")


@pytest.mark.parametrize("then", [None, ValueError, SystemExit])
def test_handler_that_kills_its_connection(poisoned: Any, then: type[BaseException] | None) -> None:
    """The first time it keeps its place, for Postgres may have restarted; then each time counts."""
    runs = []

    def poison(stored: StoredEvent) -> None:
        runs.append(stored)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        except DatabaseError as error:
            raise (then or type(error))("gone") from error

    letter = poisoned(poison)
    assert (letter.state, letter.attempts, letter.strikes) == ("dead", 4, 5)
    assert letter.reason == f"{(then or OperationalError).__name__}: gone"
    assert len(runs) == 5


def test_urgent_handler_that_kills_its_connection_does_not_fail_the_publisher(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    def handle(stored: StoredEvent) -> None:
        if not recorder.got:
            recorder(stored)
            _session_killed()
            raise ValueError("gone")
        recorder(stored)

    registry._subscribers[SUBSCRIBER] = replace(
        registry._subscribers[SUBSCRIBER], handler=handle, is_urgent=True
    )
    event = deleted()
    publish_in(acme, event)
    assert [(row.state, row.strikes) for row in mine()] == [("pending", 1)]
    relay_all(pool)
    assert [row.state for row in mine()] == ["done"]


def test_lost_connection_costs_an_innocent_event_neither_place_nor_attempt(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    events = [deleted() for _ in range(5)]
    struck: list[int] = []

    def handle(stored: StoredEvent) -> None:
        if stored.event == events[2] and not struck:
            struck.append(_session_killed())
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        recorder(stored)

    registry._subscribers[SUBSCRIBER] = replace(registry._subscribers[SUBSCRIBER], handler=handle)
    publish_in(acme, *events)
    relay_all(pool)
    assert recorder.events_of(acme)[-5:] == events
    assert [(row.state, row.attempts, row.strikes) for row in mine()][2] == ("done", 1, 1)


def _session_killed() -> int:
    """End this thread's session from outside, as a restart of Postgres does."""
    pid: int = connection.connection.info.backend_pid
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    return pid


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give handlers a second."""
    monkeypatch.setattr(hands, "HANDLER_SECONDS", 1)
    monkeypatch.setattr(hands, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(deliver, "RETRY_SECONDS", (60, 60, 60))
    yield
    relaying._lost.clear()


def test_handler_whose_statement_takes_forever(hasty: None, poisoned: Any) -> None:
    def poison(stored: StoredEvent) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    letter = poisoned(poison)
    assert (letter.state, letter.strikes) == ("dead", 0)
    assert "statement timeout" in letter.reason


def test_handler_that_comes_back_too_late(
    hasty: None, poisoned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres has ended the session meanwhile, so nothing of it is committed."""
    monkeypatch.setattr(hands, "GRACE_SECONDS", 30)
    letter = poisoned(lambda stored: time.sleep(1.5))
    assert (letter.state, letter.strikes) == ("dead", 5)


@pytest.mark.parametrize("is_busy", [False, True], ids=["waiting", "asking the database"])
def test_handler_that_never_comes_back(
    hasty: None, acme: TenantContext, recorder: Recorder, is_busy: bool
) -> None:
    """The relay counts the attempt and goes on; the thread is left behind."""
    come_back = threading.Event()
    bad, good = deleted(), deleted()

    def handle(stored: StoredEvent) -> None:
        while stored.event == bad and not come_back.is_set():
            if is_busy:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.1)")
            come_back.wait(0.1 if is_busy else 60)
        recorder(stored)

    registry._subscribers[SUBSCRIBER] = replace(registry._subscribers[SUBSCRIBER], handler=handle)
    publish_in(acme, bad, good)
    pool = ThreadPoolExecutor(3)
    try:
        relay_all(pool)
        assert [got.event for got in recorder.got] == [good]
        (letter,) = [row for row in mine() if row.state != "done"]
        assert (letter.state, letter.attempts) == ("pending", 1)
        assert is_busy or letter.reason == "TimeoutError: no answer within 1 s"
        assert is_busy or relaying.threads_lost() == 1
    finally:
        come_back.set()
        pool.shutdown(wait=True)
    assert [row.attempts for row in mine() if row.state != "done"] == [1], "it counts once"


def _damage(tenant: TenantContext, **columns: Any) -> None:
    with tenancy.platform_scope():
        OutboxEvent.objects.filter(tenant_id=tenant.id).update(**columns)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"name": "no.such.event"}, "EventUnreadable: no event is named no.such.event"),
        ({"payload": {}}, "EventUnreadable: ingest.doc.deleted: document_id: missing"),
        (
            {"payload": {"document_id": "private words"}},
            "EventUnreadable: ingest.doc.deleted: document_id: uuid_parsing",
        ),
        ({"payload": ["no", "object"]}, "EventUnreadable: ingest.doc.deleted: payload: dataclass"),
    ],
    ids=["unknown name", "field missing", "field malformed", "no object"],
)
def test_event_that_cannot_be_read(
    acme: TenantContext,
    globex: TenantContext,
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    columns: dict[str, Any],
    reason: str,
) -> None:
    publish_in(acme, deleted())
    _damage(acme, **columns)
    good = deleted()
    publish_in(acme, good)
    publish_in(globex, deleted())
    for _ in range(5):
        relay_all(pool)
        retry_now()
    assert recorder.events_of(acme) == [good]
    assert len(recorder.events_of(globex)) == 1
    (letter,) = [row for row in mine() if row.state != "done"]
    assert letter.state == "dead"
    assert letter.reason.startswith(reason)


def test_event_of_a_subscriber_that_is_gone(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    publish_in(acme, deleted())
    known = registry._subscribers[SUBSCRIBER]
    del registry._subscribers[SUBSCRIBER]
    for _ in range(5):
        relay_all(pool)
        retry_now()
    registry._subscribers[SUBSCRIBER] = known
    (letter,) = mine()
    assert letter.reason == "LookupError: No subscriber is named tests.recorder."


def test_event_beyond_the_bound_is_refused_with_its_change(
    in_acme: TenantContext, recorder: Recorder
) -> None:
    huge = catalogue.ConversationResolved(
        conversation_id=deleted().document_id, by="x" * 10_000_000
    )
    with pytest.raises(EventTooLarge, match=str(PAYLOAD_BYTES)):
        publish_in(in_acme, deleted(), huge)
    assert OutboxEvent.objects.count() == 0


def test_retries_come_after_1_5_and_25_seconds_with_jitter(
    acme: TenantContext, recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    recorder.is_failing = True
    publish_in(acme, *[deleted() for _ in range(20)])
    relay_all(pool)
    waits = []
    for base in (1, 5, 25):
        with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
            _fail_all(pool, first=base == 1)
        waits = [(row.next_attempt_at - datetime(2030, 1, 1, tzinfo=UTC)) for row in mine()]
        seconds = [wait.total_seconds() for wait in waits]
        assert all(base * 0.8 <= found <= base * 1.2 for found in seconds)
        assert len({round(found, 6) for found in seconds}) > 10, "they do not come all at once"
    _fail_all(pool, first=False)
    assert {row.state for row in mine()} == {"dead"}


def _fail_all(pool: ThreadPoolExecutor, *, first: bool) -> None:
    """Let what waits fail once more; the first time with fresh attempts."""
    with tenancy.platform_scope():
        waiting = Delivery.objects.filter(state="pending")
        waiting.update(next_attempt_at=datetime(2020, 1, 1, tzinfo=UTC))
        if first:
            waiting.update(attempts=0)
    while deliveries_due():
        relay_once(pool)
