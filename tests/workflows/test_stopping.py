"""Stopping: nothing starts, what goes on ends, people get the conversations, nothing stays held."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from conversations.models import Customer
from conversations.services import visitor_conversation
from core import tenancy
from core.audit.models import AuditEntry
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tenants import freshness
from tests.conftest import Plan
from tests.workflows.conftest import HEAD, Say, said_by_ai, state_of
from tests.workflows.test_quotas import held, used
from workflows import quotas, services, stopping, stops, versions
from workflows.engine import journal
from workflows.engine.folding import fold
from workflows.engine.journal import LeaseLost
from workflows.engine.step import StepContext
from workflows.errors import RunsStopped, WorkflowNotFound
from workflows.models import Run, RunEvent, WorkflowStop

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
LOOK = "  - {id: look, type: meddle}\n"
# What a runaway run looks like to its worker: one step after the other, without an end in sight.
RUNAWAY = "".join(f"  - {{id: s{n}, type: meddle}}\n" for n in range(200))
STOPPED_WITHIN_SECONDS = 5.0
Use = Callable[[str], None]
Meddle = Callable[[Callable[[StepContext], Any]], None]


class Killed(BaseException):
    """What a killed worker looks like from inside."""


@pytest.fixture
def stranded(use_workflow: Use, say: Say, meddle: Meddle) -> Run:
    """Return a run whose worker was killed in its first step."""
    use_workflow(LOOK + HELLO)

    def die(context: StepContext) -> None:
        raise Killed

    meddle(die)
    with pytest.raises(Killed):
        say("hi")
    meddle(lambda context: None)
    return Run.objects.get()


@contextmanager
def threads() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Give a function that does something in another thread, in this one's tenant."""

    def closed(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        yield lambda act: pool.submit(copy_context().run, closed, act)


def acts(tenant: TenantContext) -> list[str]:
    found = AuditEntry.objects.filter(tenant_id=tenant.id, act__startswith="runs.")
    return list(found.order_by("seq").values_list("act", flat=True))


def test_stop_ends_what_goes_on_and_hands_the_conversation_over(
    stranded: Run, conversation: UUID, in_acme: TenantContext
) -> None:
    purged = stopping.runs_stop(stopped_by=None)
    assert (purged.ended, purged.left) == (1, 0)
    stranded.refresh_from_db()
    assert (stranded.status, stranded.error_code) == ("failed", "purged")
    assert stranded.finished_at is not None
    assert state_of(conversation) == "queued"
    state = fold(journal.events(stranded.pk))
    assert (state.status.value, state.error["code"], state.seq) == (
        "failed", "purged", stranded.seq,
    )  # fmt: skip
    assert acts(in_acme) == ["runs.stopped", "runs.purged"]


def test_nothing_starts_while_stopped_and_people_answer(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    stopping.runs_stop()
    say("hi")
    assert not Run.objects.exists()
    assert state_of(conversation) == "queued"
    with pytest.raises(RunsStopped):
        services.run_start(
            workflow="customer_support", conversation_id=None, trigger_event_id=uuid4(), input={}
        )


def test_resumed_workspace_answers_again(
    use_workflow: Use, say: Say, in_acme: TenantContext
) -> None:
    use_workflow(HELLO)
    stopping.runs_stop()
    assert stopping.runs_resume() == 1
    assert stopping.runs_resume() == 0
    other = visitor_conversation(customer=Customer.objects.create()).pk
    say("hi", to=other)
    assert said_by_ai(other) == ["Hello"]
    assert acts(in_acme) == ["runs.stopped", "runs.resumed"]
    assert WorkflowStop.objects.get().lifted_at is not None


def test_stop_of_one_workspace_leaves_the_other_alone(
    stranded: Run, say: Say, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        versions.workflow_publish(source=HEAD + HELLO, published_by=None)
        theirs = visitor_conversation(customer=Customer.objects.create()).pk
        say("hi", to=theirs)
        Run.objects.update(status="running")
    stopping.runs_stop()
    with tenancy.tenant_scope(globex):
        assert not stops.stops_current()
        assert Run.objects.get().status == "running"
        Run.objects.update(status="completed")
        say("hi again", to=theirs)
        assert said_by_ai(theirs) == ["Hello", "Hello"]


def test_stop_again_changes_nothing_more(stranded: Run, in_acme: TenantContext) -> None:
    stopping.runs_stop()
    assert stopping.runs_stop().ended == 0
    assert WorkflowStop.objects.count() == 1
    assert acts(in_acme) == ["runs.stopped", "runs.purged"]


def test_purged_run_gives_back_its_reply_and_counts_once(
    plan: Plan, stranded: Run, in_acme: TenantContext
) -> None:
    plan(runs=10, ai_replies=10)
    assert quotas.run_hold(stranded.pk) == ""
    stopping.runs_stop()
    stopping.runs_purge()
    assert (held("runs"), held("ai_replies")) == (0, 0)
    assert (used("runs"), used("ai_replies")) == (1, 0)
    told = OutboxEvent.objects.filter(name="agent.run.completed", tenant_id=in_acme.id)
    assert told.count() == 1


def test_runaway_run_is_stopped_in_its_worker_within_seconds(
    use_workflow: Use, conversation: UUID, meddle: Meddle
) -> None:
    use_workflow(RUNAWAY)
    visits: list[str] = []

    def spin(context: StepContext) -> None:
        visits.append(context.step_id)
        time.sleep(0.1)

    meddle(spin)
    run_id = run_begun(conversation)
    with threads() as begin:
        driven = begin(lambda: services.run_execute(run_id=run_id))
        while len(visits) < 3:
            time.sleep(0.02)
        began = time.monotonic()
        assert stopping.runs_stop().ended == 1
        assert driven.result(timeout=STOPPED_WITHIN_SECONDS) is None
    assert time.monotonic() - began < STOPPED_WITHIN_SECONDS
    assert len(visits) < 20
    assert Run.objects.get().error_code == "purged"
    assert state_of(conversation) == "queued"


def test_step_that_hangs_loses_its_run_at_once_and_cannot_append(
    use_workflow: Use, conversation: UUID, meddle: Meddle
) -> None:
    use_workflow(LOOK + HELLO)
    entered: list[int] = []
    released: list[int] = []

    def hang(context: StepContext) -> None:
        entered.append(1)
        while not released:
            time.sleep(0.02)

    meddle(hang)
    run_id = run_begun(conversation)
    with threads() as begin:
        driven = begin(lambda: services.run_execute(run_id=run_id))
        while not entered:
            time.sleep(0.02)
        stopping.runs_stop()
        assert Run.objects.get().status == "failed"
        assert state_of(conversation) == "queued"
        released.append(1)
        assert driven.result(timeout=STOPPED_WITHIN_SECONDS) is None
    kinds = [event.type.value for event in journal.events(run_id)]
    assert kinds == ["run.started", "step.failed", "run.ended"]
    assert said_by_ai(conversation) == []


def test_worker_that_learns_of_the_stop_begins_no_further_step(
    use_workflow: Use, conversation: UUID, meddle: Meddle
) -> None:
    """The purge may take a while: the switch alone holds every worker before its next step."""
    use_workflow(RUNAWAY)
    visits: list[str] = []

    def stop_then_go_on(context: StepContext) -> None:
        visits.append(context.step_id)
        WorkflowStop.objects.create(workflow="", stopped_at=timezone.now())
        freshness.changed(stops.stops_mark())

    meddle(stop_then_go_on)
    run_id = run_begun(conversation)
    assert services.run_execute(run_id=run_id) is None
    assert visits == ["s0"]
    assert Run.objects.get().status == "running"
    assert services.run_execute(run_id=run_id) is None
    assert Run.objects.get().attempts == 1  # not taken up again
    services.runs_sweep()  # what a purge that died has left is ended by the sweep
    assert Run.objects.get().error_code == "purged"


def test_stop_of_one_workflow_leaves_the_others(stranded: Run, in_acme: TenantContext) -> None:
    with pytest.raises(WorkflowNotFound):
        stopping.runs_stop(workflow="nope")
    assert stopping.runs_stop(workflow="faq_handling").ended == 0
    assert stops.runs_are_stopped("faq_handling")
    assert not stops.runs_are_stopped("customer_support")
    stranded.refresh_from_db()
    assert stranded.is_active
    assert stopping.runs_stop(workflow="customer_support").ended == 1
    assert stopping.runs_resume(workflow="faq_handling") == 1
    assert stops.stops_current() == {"customer_support"}


def test_purge_that_dies_half_way_is_finished_by_the_next(
    use_workflow: Use, in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_workflow(HELLO)
    talks = [visitor_conversation(customer=Customer.objects.create()).pk for _ in range(3)]
    runs = [run_begun(talk) for talk in talks]
    ordinary, done = stopping._end, []

    def die_at_the_second(run: Any) -> Any:
        done.append(run.id)
        if len(done) == 2:
            raise Killed
        return ordinary(run)

    monkeypatch.setattr(stopping, "_end", die_at_the_second)
    with pytest.raises(Killed):
        stopping.runs_stop()
    assert Run.objects.filter(status="failed").count() == 1
    assert [state_of(talk) for talk in talks].count("queued") == 1
    assert stopping.runs_stop().ended == 2
    assert {state_of(talk) for talk in talks} == {"queued"}
    assert [RunEvent.objects.filter(run_id=run).count() for run in runs] == [3, 3, 3]


@pytest.mark.parametrize(("refusals", "left"), [(1, 0), (1_000, 1)])
def test_run_that_cannot_be_ended_is_tried_again_and_never_stops_the_others(
    use_workflow: Use,
    in_acme: TenantContext,
    monkeypatch: pytest.MonkeyPatch,
    refusals: int,
    left: int,
) -> None:
    use_workflow(HELLO)
    talks = [visitor_conversation(customer=Customer.objects.create()).pk for _ in range(3)]
    stubborn = [run_begun(talk) for talk in talks][1]
    ordinary = stopping._end
    refused: list[UUID] = []

    def refuse(run: Any) -> Any:
        if run.id == stubborn and len(refused) < refusals:
            refused.append(run.id)
            raise LeaseLost
        return ordinary(run)

    monkeypatch.setattr(stopping, "_end", refuse)
    assert stopping.runs_stop() == stopping.Purged(ended=3 - left, left=left)
    active = Run.objects.filter(status="running").values_list("pk", flat=True)
    assert list(active) == [stubborn] * left
    assert state_of(talks[1]) == ("ai" if left else "queued")  # ended and handed over, or neither


def test_run_with_lost_events_is_ended_all_the_same(stranded: Run, conversation: UUID) -> None:
    RunEvent.objects.filter(run_id=stranded.pk).delete()
    assert stopping.runs_stop().ended == 1
    stranded.refresh_from_db()
    assert (stranded.status, stranded.error_code) == ("failed", "purged")
    assert state_of(conversation) == "queued"


def test_old_runs_alone_can_be_ended(stranded: Run, in_acme: TenantContext) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    assert stopping.runs_purge(before=hour_ago).ended == 0
    Run.objects.update(started_at=hour_ago - timedelta(hours=1))
    assert stopping.runs_purge(before=hour_ago).ended == 1
    assert not stops.stops_current()


def test_command_stops_and_resumes_and_says_so(stranded: Run) -> None:
    def told(*arguments: str) -> str:
        out = StringIO()
        with tenancy.public_scope():
            call_command("workflows_purge", *arguments, stdout=out)
        return out.getvalue()

    assert told("acme", "--older-than", "1h") == "Ended 0 runs.\n"
    assert told("acme") == "Stopped: no run starts until --resume.\nEnded 1 runs.\n"
    assert told("acme") == "Stopped: no run starts until --resume.\nEnded 0 runs.\n"
    assert told("acme", "--resume") == "Resumed.\n"
    assert told("acme", "--resume") == "Nothing was stopped.\n"
    for wrong in (["nobody"], ["acme", "--workflow", "nope"], ["acme", "--older-than", "soon"]):
        with pytest.raises(CommandError):
            told(*wrong)


def run_begun(conversation: UUID) -> UUID:
    """Start a run that no worker has yet."""
    from workflows.engine.events import EventType
    from workflows.engine.events import RunEvent as Fact

    graph = versions.version_current(workflow="customer_support")
    run = journal.NewRun(
        id=uuid4(),
        workflow=graph.name,
        version=graph.version,
        content_hash=graph.content_hash,
        conversation_id=conversation,
        trigger_event_id=uuid4(),
        answered_seq=None,
        started_at=timezone.now(),
    )
    payload = {"input": {"text": "hi", "fence": 0, "answered_seq": 0}, "next": graph.entry}
    assert journal.start(run, Fact(1, EventType.RUN_STARTED, "", payload, timezone.now()))
    return run.id
