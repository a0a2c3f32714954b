"""Who drives runs holds a lock that dies with it: death is noticed, a cut session is none."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection

from conversations.models import Customer
from conversations.services import message_receive, visitor_conversation
from core import tenancy
from core.db.leadership import Session, session_open
from core.tenancy import TenantContext
from tests.services import SUPERUSER
from tests.workflows.conftest import HEAD, said_by_ai
from tests.workflows.engine_steps import Bench, Crash, engine_bench, lease_lapse, new_run
from tests.workflows.test_sweeping import STEPS, Meddle, strand, sweepers, within_seconds
from workflows import versions
from workflows.engine import journal, lease
from workflows.engine import presence as presences
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.presence import FailureDetector, Presence
from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

LONG_SECONDS = 60.0  # a lease that no test waits for
TWO = 'name: two\nversion: "1"\nsteps:\n  - {id: one, type: count}\n  - {id: two, type: count}\n'


@pytest.fixture(autouse=True)
def own_presence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Presence]:
    """Return the presence of this process; its leases are long."""
    mine = Presence()
    monkeypatch.setattr(journal, "presence", mine)
    monkeypatch.setattr(journal, "LEASE_SECONDS", LONG_SECONDS)
    monkeypatch.setattr(lease, "LEASE_SECONDS", LONG_SECONDS)
    yield mine
    mine.stop()


@pytest.fixture
def bench(in_acme: TenantContext) -> Iterator[Bench]:
    with engine_bench(TWO) as bench:
        yield bench


@pytest.fixture
def session() -> Iterator[Session]:
    with session_open("test") as session:
        yield session


def start(mine: Presence) -> None:
    mine.start()
    assert mine.held_wait(20)


def left_behind(bench: Bench) -> UUID:
    """Return a run that this process has let fall in its first step."""
    bench.crash_in.add("one")
    run_id = new_run(bench.graph_)
    with suppress(Crash):
        run_drive(run_id, bench)
    return run_id


def found_within(session: Session, seconds: float) -> list[UUID]:
    """Look on for so long, as the leading sweeper does, and return the runs that were found."""
    detector, until = FailureDetector(), time.monotonic() + seconds
    while time.monotonic() < until:
        found = journal.lapsed(limit=10, grace_seconds=5, present=detector.observe(session))
        if found:
            return [run.id for run in found]
        time.sleep(0.1)
    return []


def lock_holders() -> list[int]:
    """Return the sessions of this database that hold a presence's lock."""
    with session_open("test") as session:
        rows = session.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (presences.LOCK,),
        ).fetchall()
    return [int(str(row[0])) for row in rows]


def session_cut() -> None:
    """End the session of this process's presence."""
    with psycopg.connect(SUPERUSER, autocommit=True) as server:
        for pid in lock_holders():
            server.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_run_of_a_process_that_is_gone_is_found_while_its_lease_is_in_force(
    bench: Bench, session: Session, own_presence: Presence
) -> None:
    start(own_presence)
    run_id = left_behind(bench)
    assert found_within(session, 2 * presences.GONE_SECONDS) == []
    own_presence.stop()
    assert found_within(session, LONG_SECONDS / 4) == [run_id]
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.COMPLETED


def test_owner_without_a_lock_keeps_its_run_until_the_lease_ends(
    bench: Bench, session: Session
) -> None:
    run_id = left_behind(bench)
    assert found_within(session, 2 * presences.GONE_SECONDS) == []
    lease_lapse(run_id)
    assert found_within(session, LONG_SECONDS / 4) == [run_id]


def test_worker_whose_session_is_cut_and_comes_back_keeps_its_run(
    bench: Bench, session: Session, own_presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presences, "GONE_SECONDS", 10.0)  # however slow this machine is
    monkeypatch.setattr(journal, "SILENT_SECONDS", 0.0)
    start(own_presence)
    left_behind(bench)
    detector, first = FailureDetector(), lock_holders()
    detector.observe(session)
    session_cut()
    assert within_seconds(lambda: bool(lock_holders()) and lock_holders() != first)
    monkeypatch.setattr(presences, "GONE_SECONDS", 0.0)
    present = detector.observe(session)
    assert present is not None
    assert journal.lapsed(limit=10, grace_seconds=5, present=present) == []


def test_lock_is_missed_for_a_while_before_anybody_counts_as_gone(
    bench: Bench, session: Session, own_presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(own_presence)
    run_id = left_behind(bench)
    monkeypatch.setattr(journal, "SILENT_SECONDS", 0.0)
    detector = FailureDetector()
    assert detector.observe(session) is None  # a new leader has seen too little
    own_presence.stop()
    time.sleep(2 * presences.GONE_SECONDS)

    def found() -> list[UUID]:
        present = detector.observe(session)
        assert present is not None
        return [run.id for run in journal.lapsed(limit=9, grace_seconds=5, present=present)]

    assert found() == []  # seen once without its lock
    time.sleep(presences.GONE_SECONDS)
    assert found() == [run_id]


def test_leader_learns_when_somebody_has_gone_and_may_have_before_it_led(
    session: Session, in_acme: TenantContext, own_presence: Presence
) -> None:
    start(own_presence)
    detector = FailureDetector()

    def has_lost() -> bool:
        present = detector.observe(session)
        time.sleep(presences.GONE_SECONDS / 4)
        return present is not None and present.has_lost

    assert within_seconds(has_lost)
    assert not any(has_lost() for _ in range(8))
    own_presence.stop()
    assert within_seconds(has_lost)
    assert not any(has_lost() for _ in range(8))


def test_process_that_still_renews_its_leases_is_there_whatever_became_of_its_lock(
    bench: Bench, session: Session, own_presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SILENT_SECONDS", 3.0)  # however slow this machine is
    found: list[UUID] = []

    def lock_lose() -> None:
        own_presence.stop()
        found.extend(found_within(session, journal.SILENT_SECONDS + 2.0))

    start(own_presence)
    bench.during = {"one": lock_lose}
    state = run_drive(new_run(bench.graph_), bench)
    assert found == []
    assert state is not None
    assert state.status is RunStatus.COMPLETED


def unreachable(*_: object) -> str:
    raise DatabaseError


def test_worker_that_was_wrongly_given_up_stops_without_a_trace(
    bench: Bench, session: Session, own_presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "extend", unreachable)  # it is alive, but cannot renew
    start(own_presence)
    acme = tenancy.require()

    def go_on_elsewhere() -> None:
        with tenancy.tenant_scope(acme):
            run_drive(run_id, bench)
        connection.close()

    def lose() -> None:
        own_presence.stop()
        assert found_within(session, LONG_SECONDS / 4) == [run_id]
        bench.during = {}
        other = threading.Thread(target=go_on_elsewhere)
        other.start()
        other.join()

    bench.during = {"two": lose}
    run_id = new_run(bench.graph_)
    assert run_drive(run_id, bench) is None
    assert Run.objects.get().status == "completed"
    done = [event.step_id for event in journal.events(run_id) if event.step_id]
    assert done == ["one", "two"]


def test_runs_of_a_dead_process_go_on_in_each_workspace(
    use_workflow: Callable[[str], None],
    say: Callable[[str], None],
    meddle: Meddle,
    conversation: UUID,
    globex: TenantContext,
    own_presence: Presence,
    django_capture_on_commit_callbacks: Any,
) -> None:
    start(own_presence)
    use_workflow(STEPS)
    strand(meddle, lambda: say("hi"))
    with tenancy.tenant_scope(globex):
        versions.workflow_publish(source=HEAD + STEPS, published_by=None)
        theirs = visitor_conversation(customer=Customer.objects.create()).pk

        def begin() -> None:
            with django_capture_on_commit_callbacks(execute=True):
                message_receive(conversation_id=theirs, client_id="1", text="hi")

        strand(meddle, begin)
    own_presence.stop()
    with sweepers(1):
        assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])
        with tenancy.tenant_scope(globex):
            assert within_seconds(lambda: said_by_ai(theirs) == ["Hello"])
