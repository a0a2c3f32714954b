"""Fixtures of the workflow tests: a conversation, a tenant's own workflow, steps that interfere."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test.utils import CaptureQueriesContext

from conversations import selectors as conversations
from conversations.models import Customer
from conversations.services import message_receive, visitor_conversation
from core.tenancy import TenantContext
from workflows import versions
from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step, step_forget
from workflows.spec.kinds import StepConfig

Say = Callable[..., None]

HEAD = 'name: customer_support\nversion: "9"\nsteps:\n'


class NoConfig(StepConfig):
    """Nothing to say."""


class Nothing(StepOutput):
    """Nothing to tell."""


@pytest.fixture
def conversation(in_acme: TenantContext) -> UUID:
    """Return an empty conversation of acme's."""
    return visitor_conversation(customer=Customer.objects.create()).pk


@pytest.fixture
def say(conversation: UUID, django_capture_on_commit_callbacks: Any) -> Say:
    """Return a function by which the visitor says something; what follows a commit happens."""

    def said(text: str, to: UUID = conversation) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            message_receive(conversation_id=to, client_id=uuid4().hex, text=text)

    return said


@pytest.fixture
def use_workflow(in_acme: TenantContext) -> Callable[[str], None]:
    """Return a function that makes some steps the workflow that answers acme's visitors."""

    def use(steps: str) -> None:
        versions.workflow_publish(source=HEAD + steps, published_by=None)

    return use


@pytest.fixture
def meddle() -> Iterator[Callable[[Callable[[StepContext], Any]], None]]:
    """Return a function that gives the step type ``meddle`` something to do."""
    done: list[Callable[[StepContext], Any]] = []

    class Meddle(Step[NoConfig, Nothing]):
        name = "meddle"
        config = NoConfig
        output = Nothing

        def run(self, config: NoConfig, context: StepContext) -> StepOutcome[Nothing]:
            done[-1](context)
            return StepOutcome(Nothing())

    step(Meddle)
    yield done.append
    step_forget("meddle")


def said_by_ai(conversation_id: UUID) -> list[str]:
    """Return what the AI has said, in order."""
    messages = conversations.message_list(conversation_id=conversation_id)
    return [message.text for message in messages if message.author == "ai"]


def state_of(conversation_id: UUID) -> str:
    """Return where the conversation stands."""
    return str(conversations.conversation_get(conversation_id=conversation_id).state)


def queries_of(captured: CaptureQueriesContext) -> int:
    """Count what was asked of workflows: sessions and settings are refreshed as time passes."""
    return sum("workflows_" in query["sql"] for query in captured)
