"""A plan that is used up: the message stays, a person is asked for, nothing stays held."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from conversations import selectors as conversations
from conversations.models import Customer, Message
from conversations.services import visitor_conversation
from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.admission.current import quota_current
from tenants.admission.quota import quota_held
from tests.conftest import Plan
from tests.workflows.conftest import HEAD, Say, said_by_ai, state_of
from workflows import quotas, services, versions
from workflows.engine.step import StepContext
from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
Use = Callable[[str], None]


def used(meter: str) -> int:
    quota = quota_current(meter)
    assert quota is not None
    return int(redis_client().hget(quota.keys[0], "used") or 0)


def held(meter: str) -> int:
    quota = quota_current(meter)
    assert quota is not None
    return quota_held(quota=quota)


def lines(conversation: UUID) -> list[str]:
    found = conversations.message_list(conversation_id=conversation)
    return [message.text for message in found if message.author == "system"]


def test_answered_message_takes_a_message_a_run_and_a_reply(
    use_workflow: Use, say: Say, plan: Plan
) -> None:
    plan(messages=10, runs=10, ai_replies=10)
    use_workflow(HELLO)
    say("hi")
    assert [used(meter) for meter in ("messages", "runs", "ai_replies")] == [1, 1, 1]
    assert [held(meter) for meter in ("messages", "runs", "ai_replies")] == [0, 0, 0]


@pytest.mark.parametrize("meter", ["messages", "runs", "ai_replies"])
def test_beyond_a_quota_a_person_is_asked_for_and_the_visitor_told(
    use_workflow: Use, say: Say, plan: Plan, conversation: UUID, meter: str, world: Any
) -> None:
    plan(**{meter: 1})
    use_workflow(HELLO)
    say("first")
    say("second")
    assert said_by_ai(conversation) == ["Hello"]
    assert state_of(conversation) == "queued"
    assert Message.objects.filter(conversation=conversation, author="visitor").count() == 2
    assert "assistant cannot answer" in lines(conversation)[-1]
    assert held(meter) == 0
    with tenancy.tenant_scope(world.tenants["globex"]):
        theirs = visitor_conversation(customer=Customer.objects.create()).pk
        versions.workflow_publish(source=HEAD + HELLO, published_by=None)
        say("hi", to=theirs)
        assert said_by_ai(theirs) == ["Hello"]


def test_run_without_a_reply_gives_the_reply_back(use_workflow: Use, say: Say, plan: Plan) -> None:
    plan(runs=10, ai_replies=10)
    use_workflow("  - {id: person, type: escalation}\n")
    say("hi")
    assert (used("runs"), used("ai_replies"), held("ai_replies")) == (1, 0, 0)


def test_run_refused_for_its_replies_holds_no_run(
    use_workflow: Use, say: Say, plan: Plan, conversation: UUID
) -> None:
    plan(runs=10, ai_replies=0)
    use_workflow(HELLO)
    say("hi")
    assert Run.objects.count() == 0
    assert state_of(conversation) == "queued"
    assert (used("runs"), held("runs")) == (0, 0)


def test_run_that_is_not_made_twice_holds_nothing_twice(
    use_workflow: Use, say: Say, plan: Plan, conversation: UUID
) -> None:
    plan(runs=10, ai_replies=10)
    use_workflow(HELLO)
    say("hi")
    again = services.run_start(
        workflow="customer_support",
        conversation_id=conversation,
        trigger_event_id=uuid4(),
        input={"text": "hi", "answered_seq": 1, "fence": 0},
    )
    assert not again.is_new
    assert (used("runs"), held("runs")) == (1, 0)


def test_run_of_a_dead_worker_is_settled_once_by_the_next(
    use_workflow: Use, say: Say, plan: Plan, meddle: Any, conversation: UUID
) -> None:
    class Killed(BaseException):
        """What a killed worker looks like from inside."""

    plan(runs=10, ai_replies=10)
    use_workflow("  - {id: look, type: meddle}\n" + HELLO)
    deaths = [Killed()]

    def die_once(context: StepContext) -> None:
        if deaths:
            raise deaths.pop()

    meddle(die_once)
    with pytest.raises(Killed):
        say("hi")
    assert (used("runs"), held("runs"), held("ai_replies")) == (0, 1, 1)
    run = Run.objects.get()
    Run.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    for _ in range(2):
        services.run_execute(run_id=run.pk)
    assert said_by_ai(conversation) == ["Hello"]
    assert (used("runs"), used("ai_replies")) == (1, 1)
    assert (held("runs"), held("ai_replies")) == (0, 0)


def test_message_event_delivered_again_counts_once(in_acme: TenantContext, plan: Plan) -> None:
    plan(messages=1)
    event = uuid4()
    assert [quotas.message_admit(event) for _ in range(2)] == ["", ""]
    assert quotas.message_admit(uuid4()) == "quota_exceeded"


def test_rest_caller_beyond_the_quota_is_told_that_a_person_answers(
    use_workflow: Use, plan: Plan, api_key: Any, django_capture_on_commit_callbacks: Any
) -> None:
    plan(messages=0)
    use_workflow(HELLO)
    key = api_key("acme", "conversations:write", "conversations:read")
    client = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {key}"})
    answer = client.post(
        "/api/v1/chat/message",
        {"message": "hi", "user_id": "u-1"},
        content_type="application/json",
        headers={"Prefer": "wait=2"},
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "with_person")
    assert answer["Frontdesk-Degraded"] == "quota_exceeded"
