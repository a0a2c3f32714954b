"""Runs of dead workers are taken over: by one living worker, without beat, relay or Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.db import ProgrammingError, connections
from django.utils import timezone

from conversations.models import Customer
from conversations.services import visitor_conversation
from core import tenancy
from core.db.leadership import session_open
from core.tenancy import TenantContext
from tests.workflows.conftest import HEAD, Say, said_by_ai
from workflows import dispatch, due, services, sweeping, versions
from workflows import stranded as stranded_runs
from workflows.due import tenants_due
from workflows.engine.step import StepContext
from workflows.models import Run
from workflows.stopping import runs_stop
from workflows.sweeping import Sweeper, sweep

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = "  - {id: look, type: meddle}\n  - {id: hello, type: reply, config: {text: Hello}}\n"
WITHIN_SECONDS = 20.0  # long enough on a machine that does other things too
Use = Callable[[str], None]
Meddle = Callable[[Callable[[StepContext], Any]], None]


@pytest.fixture
def stranded(use_workflow: Use, say: Say, meddle: Meddle) -> Run:
    """Return a run whose worker has died."""
    use_workflow(STEPS)
    return strand(meddle, lambda: say("hi"))


def strand(meddle: Meddle, begin: Callable[[], None]) -> Run:
    def die(context: StepContext) -> None:
        raise SystemExit

    meddle(die)
    with pytest.raises(SystemExit):
        begin()
    meddle(lambda context: None)
    return Run.objects.get()


def lapse() -> None:
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def swept() -> None:
    with tenancy.public_scope(), session_open("test") as session:
        sweep(session)


@contextmanager
def sweepers(count: int) -> Iterator[None]:
    """Let so many processes' sweepers take turns."""
    running = [Sweeper() for _ in range(count)]
    for sweeper in running:
        sweeper.start()
    try:
        yield
    finally:
        for sweeper in running:
            sweeper.stop()


def within_seconds(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + WITHIN_SECONDS
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def leaders() -> list[int]:
    """Return the sessions that hold the sweepers' lock."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (sweeping.LOCK,),
        )
        return [row[0] for row in cursor.fetchall()]


def test_run_goes_on_when_its_lease_has_lapsed_and_not_before(
    stranded: Run, conversation: UUID
) -> None:
    swept()
    assert said_by_ai(conversation) == []
    lapse()
    swept()
    assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])
    assert within_seconds(lambda: Run.objects.get().status == "completed")


def test_run_that_only_waits_for_a_worker_is_queued_and_never_jumps_the_queue(
    stranded: Run, conversation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no worker has held yet stands in its workspace's queue: fairness decides its turn."""
    Run.objects.update(lease_owner="")
    lapse()
    sent: list[UUID] = []
    monkeypatch.setattr(services, "run_dispatch", lambda run_id, **_: sent.append(run_id))
    swept()
    assert sent == [stranded.pk]
    assert said_by_ai(conversation) == []


def test_takeover_needs_no_broker(
    stranded: Run, conversation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "run_dispatch", lambda *_, **__: pytest.fail("was queued"))
    lapse()
    swept()
    assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])


@pytest.fixture
def several(use_workflow: Use, say: Say, meddle: Meddle) -> int:
    """Let a worker die that had several runs; returns how many."""

    def die(context: StepContext) -> None:
        raise SystemExit

    use_workflow(STEPS)
    meddle(die)
    for _ in range(stranded_runs.THREADS + 3):
        talk = visitor_conversation(customer=Customer.objects.create()).pk
        with pytest.raises(SystemExit):
            say("hi", to=talk)
    lapse()
    return stranded_runs.THREADS + 3


def completed(count: int) -> Callable[[], bool]:
    return lambda: Run.objects.filter(status="completed").count() == count


def test_what_one_process_cannot_do_at_once_goes_to_the_others(
    several: int, meddle: Meddle, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[UUID] = []
    monkeypatch.setattr(services, "run_dispatch", lambda run_id, **_: sent.append(run_id))
    may_end = threading.Event()
    meddle(lambda context: may_end.wait(WITHIN_SECONDS))
    swept()
    assert len(sent) == several - stranded_runs.THREADS
    may_end.set()
    assert within_seconds(completed(stranded_runs.THREADS))


def test_without_redis_one_process_does_all(
    several: int, meddle: Meddle, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(dispatch, "redis_client", lambda: away)
    meddle(lambda context: None)
    swept()
    assert within_seconds(completed(several))


def test_runs_of_each_workspace_are_swept_in_their_own(
    stranded: Run,
    conversation: UUID,
    meddle: Meddle,
    globex: TenantContext,
    django_capture_on_commit_callbacks: Any,
) -> None:
    lapse()
    with tenancy.tenant_scope(globex):
        versions.workflow_publish(source=HEAD + STEPS, published_by=None)
        theirs = visitor_conversation(customer=Customer.objects.create()).pk

        def begin() -> None:
            from conversations.services import message_receive

            with django_capture_on_commit_callbacks(execute=True):
                message_receive(conversation_id=theirs, client_id="1", text="hi")

        strand(meddle, begin)
        lapse()
    swept()
    assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])
    with tenancy.tenant_scope(globex):
        assert within_seconds(lambda: said_by_ai(theirs) == ["Hello"])


def test_workspaces_in_which_nothing_is_due_are_not_visited(
    stranded: Run, acme: TenantContext, globex: TenantContext
) -> None:
    both = [acme, globex]
    with tenancy.public_scope():
        assert tenants_due(both) == []
    lapse()
    with tenancy.public_scope():
        assert tenants_due(both) == [acme]
    with tenancy.tenant_scope(globex):
        runs_stop()
    with tenancy.public_scope():
        assert tenants_due(both) == both


def test_workspace_that_cannot_be_asked_is_visited_and_hides_no_other(
    stranded: Run, acme: TenantContext, globex: TenantContext
) -> None:
    new = TenantContext(id=uuid4(), schema="t_just_being_made", slug="new")
    with tenancy.public_scope():
        assert tenants_due([acme, new, globex]) == [acme, new, globex]


def test_workspaces_are_asked_in_groups(
    stranded: Run, acme: TenantContext, globex: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "TOGETHER", 1)
    lapse()
    with tenancy.public_scope():
        assert tenants_due([globex, acme, globex]) == [acme]


def test_trouble_of_one_workspace_strands_no_other(
    stranded: Run, conversation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary, met = services.runs_sweep, []

    def trouble(**values: Any) -> int:
        met.append(tenancy.require().slug)
        if met[-1] != "acme":
            raise ProgrammingError("its schema is being changed")
        return ordinary(**values)

    monkeypatch.setattr(services, "runs_sweep", trouble)
    monkeypatch.setattr(sweeping, "tenants_due", lambda tenants, _: tenants)
    lapse()
    swept()
    assert "globex" in met
    assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])


def test_one_sweeper_leads_and_another_goes_on_when_its_session_is_killed(
    stranded: Run, conversation: UUID
) -> None:
    with sweepers(2):
        assert within_seconds(lambda: len(leaders()) == 1)
        first = leaders()
        with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (first[0],))
        assert within_seconds(lambda: leaders() not in ([], first))
        lapse()
        assert within_seconds(lambda: said_by_ai(conversation) == ["Hello"])
    assert within_seconds(lambda: leaders() == [])
