"""The library's workflow over the real apps: documents in, answers, and people where in doubt."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from conversations import selectors as conversations
from core import tenancy
from core.tenancy import TenantContext
from knowledge.services import document_upload
from tests.workflows.conftest import Say, said_by_ai, state_of
from workflows import selectors
from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

POLICY = b"""# Returns policy

## Worn items

You may return a jacket within 45 days of delivery, even if you have worn it once.
Items with stains or torn labels are not accepted.

## Refunds

We pay refunds to the original payment method within five working days.

## Shipping

Standard delivery to Norway costs 12 euros and takes four working days.

## Orders

Every order has a number which begins with AC and has five digits, for example AC-10421.
"""


@pytest.fixture
def policy(in_acme: TenantContext, world: Any) -> None:
    """Give acme a policy, and globex another one."""
    document_upload(filename="returns.md", content=POLICY, uploaded_by=None)
    theirs = POLICY.replace(b"45 days", b"7 days")
    with tenancy.tenant_scope(world.tenants["globex"]):
        document_upload(filename="returns.md", content=theirs, uploaded_by=None)


def steps_of(run: Run) -> list[str]:
    events = selectors.run_events(run_id=run.pk)
    return [event.step_id for event in events if event.step_id]


def test_question_is_answered_with_a_citation(policy: None, say: Say, conversation: UUID) -> None:
    say("Can I return a jacket I have worn?")
    (answer,) = said_by_ai(conversation)
    assert "45 days" in answer
    assert "7 days" not in answer.replace("45 days", "")
    message = conversations.message_list(conversation_id=conversation).get(author="ai")
    citation = message.citations[0]
    assert "45 days" in citation["quote"]
    assert citation["url"].startswith("/knowledge/source/")
    assert message.route is not None
    assert message.route["tier"] in {"SLM_A", "SLM_B", "LLM"}
    assert steps_of(Run.objects.get()) == [
        "route", "by_intent", "lookup", "enough_evidence", "answer", "has_answer", "send",
    ]  # fmt: skip


def test_question_without_an_answer_is_not_answered_by_invention(
    policy: None, say: Say, conversation: UUID
) -> None:
    say("Which programming language is your website written in?")
    (answer,) = said_by_ai(conversation)
    assert "could not find" in answer
    assert state_of(conversation) == "ai"


def test_person_is_brought_in_on_request(policy: None, say: Say, conversation: UUID) -> None:
    say("I want to speak to a person")
    assert said_by_ai(conversation) == []
    assert state_of(conversation) == "queued"
    assert Run.objects.get().result == {"handover": "requested"}


def test_complaint_goes_to_a_person(policy: None, say: Say, conversation: UUID) -> None:
    say("This is outrageous, my order arrived broken again and nobody answers my mails!")
    assert state_of(conversation) == "queued"


def test_question_about_one_order_is_not_answered_from_the_documents(
    policy: None, say: Say, conversation: UUID
) -> None:
    say("where is my order AC-10421?")
    (answer,) = said_by_ai(conversation)
    assert "a colleague can" in answer
    assert state_of(conversation) == "ai"


def test_greeting_is_returned(policy: None, say: Say, conversation: UUID) -> None:
    say("Hello there!")
    (answer,) = said_by_ai(conversation)
    assert answer.startswith("Hello!")


def test_run_page_tells_passages_and_path(
    policy: None, say: Say, sign_in: Any, conversation: UUID
) -> None:
    say("Can I return a jacket I have worn?")
    run = Run.objects.get()
    page = sign_in("acme", "agent").get(f"/workflows/runs/{run.pk}/").content.decode()
    assert page.count("is-completed") >= 7
    assert "<mark>" in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("budget", "status", "code"),
    [("{tokens: 1}", "failed", "budget_exceeded"), ("{tokens: 50000}", "completed", "")],
)
def test_answer_that_does_not_fit_into_the_budget_is_not_asked_for(
    policy: None,
    use_workflow: Callable[[str], None],
    say: Say,
    conversation: UUID,
    budget: str,
    status: str,
    code: str,
) -> None:
    steps = "  - {id: find, type: knowledge}\n  - {id: write, type: llm, budget: %s}\n"
    use_workflow(steps % budget + "  - {id: send, type: reply}\n")
    say("How long may I return a jacket that I have worn once?")
    run = Run.objects.get()
    assert (run.status, run.error_code) == (status, code)
    [done] = [e for e in selectors.run_events(run_id=run.pk) if e.step_id == "write"]
    assert ("tokens" in done.payload) is (status == "completed")
