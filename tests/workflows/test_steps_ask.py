"""Asking the visitor: the run waits as a row, goes on with what they say, or when time is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from conversations.services import conversation_claim
from core import tenancy
from core.tenancy import TenantContext
from tests.workflows.conftest import Say, said_by_ai, state_of
from workflows import selectors, services
from workflows.engine import journal
from workflows.engine.folding import fold
from workflows.models import Run, Wait

pytestmark = pytest.mark.django_db(transaction=True)

Use = Callable[[str], None]
ASK = """\
  - id: colour
    type: ask
    config: {text: "Which colour?", options: [red, blue], within: 1h}
  - {id: silent, type: reply, config: {text: Then never mind.}, if: not answered, next: end}
  - {id: thanks, type: reply, config: {text: "${ 'You said ' + answer }"}}
"""
QUESTION = "Which colour?\n1. red\n2. blue"


def test_run_waits_for_the_answer_and_replies_to_it(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(ASK)
    say("I want a lamp")
    assert said_by_ai(conversation) == [QUESTION]
    run = Run.objects.get()
    assert (run.status, run.lease_owner) == ("waiting", "")
    asking = selectors.question_open(conversation_id=conversation)
    assert asking is not None
    assert asking.data == {"text": QUESTION, "options": ["red", "blue"]}
    say("red")
    assert said_by_ai(conversation) == [QUESTION, "You said red"]
    run.refresh_from_db()
    assert run.status == "completed"
    assert Run.objects.count() == 1  # the answer starts no run of its own


def test_silence_goes_on_when_its_time_is_over_and_not_before(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(ASK)
    say("I want a lamp")
    run_id = Run.objects.get().pk
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        services.run_execute(run_id=run_id)
        assert said_by_ai(conversation) == [QUESTION]
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        services.run_execute(run_id=run_id)
    assert said_by_ai(conversation) == [QUESTION, "Then never mind."]
    assert Wait.objects.get().state == "expired"
    assert fold(journal.events(run_id)).outputs["colour"] == {"answer": "", "answered": False}


def test_word_after_the_time_is_over_is_answered_by_a_run_of_its_own(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow(ASK)
    say("I want a lamp")
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        services.run_execute(run_id=Run.objects.get().pk)
    say("red after all")
    assert said_by_ai(conversation) == [QUESTION, "Then never mind.", QUESTION]
    assert Run.objects.count() == 2


def test_agent_who_takes_over_ends_the_asking(
    use_workflow: Use, say: Say, conversation: UUID, people: dict[tuple[str, str], Any]
) -> None:
    use_workflow(ASK)
    say("I want a lamp")
    agent = people["acme", "agent"]
    conversation_claim(conversation_id=conversation, person_id=agent.pk)
    say("red")
    run = Run.objects.get()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        services.run_execute(run_id=run.pk)
    assert said_by_ai(conversation) == [QUESTION]  # not a word beside the agent
    run.refresh_from_db()
    assert run.status == "superseded"
    assert state_of(conversation) == "assigned"


def test_question_without_words_fails_and_brings_a_person(
    use_workflow: Use, say: Say, conversation: UUID
) -> None:
    use_workflow('  - {id: colour, type: ask, config: {text: "${ input.text * 0 }"}}\n')
    say("I want a lamp")
    assert said_by_ai(conversation) == []
    assert Run.objects.get().status == "failed"
    assert state_of(conversation) == "queued"


def test_question_of_another_workspace_is_not_answered(
    use_workflow: Use, say: Say, conversation: UUID, globex: TenantContext
) -> None:
    use_workflow(ASK)
    say("I want a lamp")
    with tenancy.tenant_scope(globex):
        assert selectors.question_open(conversation_id=conversation) is None
        assert not Wait.objects.exists()
