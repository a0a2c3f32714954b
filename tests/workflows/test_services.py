"""From a visitor's message to one answer, whatever happens in between."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from conversations import selectors as conversations
from conversations.services import (
    conversation_claim,
    conversation_hand_back,
    conversation_resolve,
    handover_request,
    message_receive,
)
from core import tenancy
from core.tenancy import TenantContext
from tests.workflows.conftest import HEAD, Say, said_by_ai, state_of
from workflows import selectors, services, versions
from workflows.engine.step import StepContext, StepFailed
from workflows.errors import PublishClash, RunNotFound, WorkflowInvalid, WorkflowNotFound
from workflows.models import Run, WorkflowVersion
from workflows.spec.loading import content_hash

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
MEDDLE_THEN_HELLO = "  - {id: look, type: meddle}\n" + HELLO

Use = Callable[[str], None]
Meddle = Callable[[Callable[[StepContext], Any]], None]


def statuses() -> list[str]:
    return list(Run.objects.order_by("started_at", "pk").values_list("status", flat=True))


def test_message_is_answered_by_a_run(use_workflow: Use, say: Say, conversation: UUID) -> None:
    use_workflow(HELLO)
    say("hi")
    assert said_by_ai(conversation) == ["Hello"]
    run = Run.objects.get()
    assert (run.status, run.answered_seq, run.workflow) == ("completed", 1, "customer_support")
    assert run.result["text"] == "Hello"


def test_event_delivered_again_answers_once(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    say("hi")
    for trigger in (Run.objects.get().trigger_event_id, uuid4()):
        services.turn_answer(conversation_id=conversation, trigger_event_id=trigger)
    assert said_by_ai(conversation) == ["Hello"]
    assert Run.objects.count() == 1


def test_late_delivery_that_read_before_the_reply_answers_once(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    say("hi")
    first = Run.objects.get()
    again = services.run_start(
        workflow="customer_support",
        conversation_id=conversation,
        trigger_event_id=uuid4(),
        input={"text": "hi", "answered_seq": 1, "fence": 0},
    )
    assert (again.id, again.is_new) == (first.pk, False)


def test_burst_makes_one_reply(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    more = ["two", "three", "four", "five"]

    def visitor_goes_on(context: StepContext) -> None:
        while more:
            say(more.pop(0))

    meddle(visitor_goes_on)
    say("one")
    assert said_by_ai(conversation) == ["Hello"]
    assert statuses() == ["superseded", "completed"]
    last = selectors.run_events(run_id=Run.objects.order_by("-started_at")[0].pk)
    assert last[0].payload["input"]["text"] == "one\ntwo\nthree\nfour\nfive"


def test_message_after_the_reply_but_before_the_end_is_answered(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID
) -> None:
    use_workflow(HELLO + "  - {id: look, type: meddle}\n")
    more = ["and another thing"]

    def visitor_goes_on(context: StepContext) -> None:
        while more:
            say(more.pop())

    meddle(visitor_goes_on)
    say("one")
    assert said_by_ai(conversation) == ["Hello", "Hello"]
    assert statuses() == ["completed", "completed"]


def test_no_run_while_a_person_is_wanted(use_workflow: Use, say: Say, conversation: UUID) -> None:
    use_workflow(HELLO)
    handover_request(conversation_id=conversation, fence=None, reason="requested")
    say("hi")
    assert Run.objects.count() == 0


def test_claim_during_a_run_silences_it(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID, people: Any
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    agent = people["acme", "agent"].pk
    meddle(lambda context: conversation_claim(conversation_id=conversation, person_id=agent))
    say("hi")
    assert said_by_ai(conversation) == []
    assert statuses() == ["superseded"]
    assert state_of(conversation) == "assigned"


def test_conversation_handed_back_is_answered(
    use_workflow: Use, say: Say, conversation: UUID, people: Any
) -> None:
    use_workflow(HELLO)
    agent = people["acme", "agent"].pk
    conversation_claim(conversation_id=conversation, person_id=agent)
    say("hi")
    assert said_by_ai(conversation) == []
    conversation_hand_back(conversation_id=conversation, person_id=agent)
    assert said_by_ai(conversation) == ["Hello"]


def test_failed_step_brings_a_person(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)

    def fail(context: StepContext) -> None:
        raise StepFailed("No.")

    meddle(fail)
    say("hi")
    assert statuses() == ["failed"]
    assert state_of(conversation) == "queued"
    assert said_by_ai(conversation) == []


def test_escalation_hands_over(use_workflow: Use, say: Say, conversation: UUID) -> None:
    use_workflow("  - {id: person, type: escalation, config: {reason: complaint}}\n")
    say("this is bad")
    run = Run.objects.get()
    assert (run.status, run.result) == ("handed_over", {"handover": "complaint"})
    assert state_of(conversation) == "queued"


def test_workflow_published_meanwhile_leaves_the_run_on_its_own(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    meddle(lambda context: use_workflow(HELLO.replace("Hello", "Good day")))
    say("hi")
    say("hi again")
    assert said_by_ai(conversation) == ["Hello", "Good day"]
    assert len(set(Run.objects.values_list("content_hash", flat=True))) == 2


def test_run_wait_returns_an_ended_run(use_workflow: Use, say: Say) -> None:
    use_workflow(HELLO)
    say("hi")
    run = services.run_wait(Run.objects.get().pk, 1.0)
    assert run.status == "completed"
    with pytest.raises(RunNotFound):
        services.run_wait(uuid4(), 0.1)


def test_run_of_one_tenant_is_unknown_to_the_other(use_workflow: Use, say: Say, world: Any) -> None:
    use_workflow(HELLO)
    say("hi")
    run_id = Run.objects.get().pk
    with tenancy.tenant_scope(world.tenants["globex"]):
        assert not selectors.run_list().exists()
        assert services.run_execute(run_id=run_id) is None
        with pytest.raises(RunNotFound):
            selectors.run_get(run_id=run_id)
        with pytest.raises(WorkflowNotFound):
            selectors.version_get(
                workflow="customer_support",
                content_hash=WorkflowVersion.objects.values_list("content_hash", flat=True).first()
                or "",
            )


def test_unknown_workflow_is_refused(in_acme: TenantContext) -> None:
    with pytest.raises(WorkflowNotFound):
        services.run_start(
            workflow="nope", conversation_id=None, trigger_event_id=uuid4(), input={}
        )


def test_workflow_with_mistakes_is_not_published(in_acme: TenantContext) -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        versions.workflow_publish(source=HEAD + "  - {id: a, type: magic}\n", published_by=None)
    assert caught.value.data["errors"][0]["line"] == 4
    assert not WorkflowVersion.objects.exists()


def test_published_text_that_cannot_be_read_any_more_brings_a_person(
    say: Say, conversation: UUID
) -> None:
    source = HEAD + "  - {id: a, type: gone_with_the_release}\n"
    WorkflowVersion.objects.create(
        name="customer_support",
        version="9",
        content_hash=content_hash(source),
        source=source,
        state="published",
    )
    say("hi")
    assert state_of(conversation) == "queued"
    assert not Run.objects.exists()


def test_publishing_at_the_same_moment_leaves_one_version(in_acme: TenantContext) -> None:
    def publish(number: int) -> bool:
        source = HEAD + HELLO.replace("Hello", f"Hello {number}")
        try:
            versions.workflow_publish(source=source, published_by=None)
        except PublishClash:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(copy_context().run, publish, number) for number in range(6)]
        done = [future.result() for future in futures]
    assert any(done)
    assert WorkflowVersion.objects.filter(state="published").count() == 1


def test_published_version_goes_before_the_library(use_workflow: Use) -> None:
    ours = versions.version_current(workflow="customer_support")
    use_workflow(HELLO)
    theirs = versions.version_current(workflow="customer_support")
    assert (ours.version, theirs.version) == ("1.0", "9")
    use_workflow(HELLO.replace("Hello", "Hi"))
    states = WorkflowVersion.objects.order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["library", "retired", "published"]


def test_messages_at_once_leave_nothing_unanswered_and_nothing_answered_twice(
    use_workflow: Use, meddle: Meddle, conversation: UUID
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    meddle(lambda context: time.sleep(0.05))

    def write(number: int) -> None:
        try:
            message_receive(conversation_id=conversation, client_id=f"c{number}", text="hi")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(copy_context().run, write, number) for number in range(8)]:
            future.result()
    found = conversations.conversation_get(conversation_id=conversation)
    assert found.answered_seq == found.last_visitor_seq
    assert len(said_by_ai(conversation)) == statuses().count("completed")
    assert set(statuses()) <= {"completed", "superseded"}
    answered = Run.objects.filter(status="completed").values_list("answered_seq", flat=True)
    assert len(set(answered)) == len(answered)


def test_deleted_conversation_starts_nothing(in_acme: TenantContext) -> None:
    assert services.turn_answer(conversation_id=uuid4(), trigger_event_id=uuid4()) is None


def test_two_conversations_do_not_wait_for_each_other(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID
) -> None:
    from conversations.models import Customer
    from conversations.services import visitor_conversation

    other = visitor_conversation(customer=Customer.objects.create()).pk
    use_workflow(MEDDLE_THEN_HELLO)
    pending = [other]

    def another_visitor_writes(context: StepContext) -> None:
        for waiting in [pending.pop() for _ in list(pending)]:
            message_receive(conversation_id=waiting, client_id=uuid4().hex, text="me too")

    meddle(another_visitor_writes)
    say("hi")
    assert said_by_ai(conversation) == said_by_ai(other) == ["Hello"]


def test_failed_run_leaves_a_resolved_conversation_alone(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID, people: Any
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    agent = people["acme", "agent"].pk

    def resolve_and_fail(context: StepContext) -> None:
        conversation_resolve(conversation_id=conversation, person_id=agent)
        raise StepFailed("No.")

    meddle(resolve_and_fail)
    say("hi")
    assert statuses() == ["failed"]
    assert state_of(conversation) == "resolved"


def test_failed_run_of_a_conversation_that_changed_hands_still_brings_a_person(
    use_workflow: Use, say: Say, meddle: Meddle, conversation: UUID, people: Any
) -> None:
    use_workflow(MEDDLE_THEN_HELLO)
    agent = people["acme", "agent"].pk

    def come_and_go_and_fail(context: StepContext) -> None:
        conversation_claim(conversation_id=conversation, person_id=agent)
        conversation_hand_back(conversation_id=conversation, person_id=agent)
        raise StepFailed("No.")

    meddle(come_and_go_and_fail)
    say("hi")
    assert statuses() == ["failed"]
    assert state_of(conversation) == "queued"
