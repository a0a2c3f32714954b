"""The customer-support example as it is written, over the real apps and a shop's tools."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from conversations.models import Conversation, Customer
from conversations.services import message_receive, visitor_conversation
from core import tenancy
from core.tenancy import TenantContext
from tests.workflows.conftest import Say, said_by_ai, state_of
from workflows import selectors, steps, versions
from workflows.engine.tool import ToolCall, ToolFailed, tool, tool_forget
from workflows.library import library
from workflows.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parent / "data" / "customer_support_workflow.yaml"
TOOLS = (
    "faq_search",
    "order_search",
    "cancel_order_hold",
    "notify_escalation_cancelled",
    "generic_response",
)
ANY: Mapping[str, Any] = {"type": "object"}


@dataclass
class Calls:
    """What the tools were asked, in order."""

    made: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)
    gives: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def answer(self, name: str) -> Callable[[ToolCall], Mapping[str, Any]]:
        def called(call: ToolCall) -> Mapping[str, Any]:
            self.made.append((name, call.input))
            if self.failing.get(name, 0):
                self.failing[name] -= 1
                raise ToolFailed("The shop is busy.", retryable=True)
            return self.gives.get(name, {"found": 0})

        return called

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@pytest.fixture
def calls(in_acme: TenantContext) -> Iterator[Calls]:
    """Have the example answer acme's visitors: as written, but for the name."""
    steps.load()
    calls = Calls()
    for name in TOOLS:
        register = tool(
            name,
            version="1",
            description=name,
            input_schema=ANY,
            output_schema=ANY,
            is_idempotent=True,
        )
        register(calls.answer(name))
    source = EXAMPLE.read_text().replace('"customer_support_workflow"', '"customer_support"', 1)
    versions.workflow_publish(source=source, published_by=None)
    yield calls
    for name in TOOLS:
        tool_forget(name)


def steps_done() -> list[str]:
    [run] = Run.objects.all()
    events = selectors.run_events(run_id=run.pk)
    return [event.step_id for event in events if event.type == "step.completed"]


PASSAGE: Mapping[str, Any] = {
    "chunk_id": "01939a4e-7c1b-7d20-9f3a-5b8e2c4d6f10",
    "document_id": "01939a4e-7c1b-7d20-9f3a-5b8e2c4d6f11",
    "title": "Order AC-10421",
    "heading": "Delivery",
    "text": "Your order AC-10421 was shipped on Monday; its delivery status is in transit.",
    "start": 0,
    "end": 77,
    "score": 0.99,
    "url": "/orders/AC-10421/",
    "sentences": [
        {
            "text": "Your order AC-10421 was shipped on Monday; its delivery status is in transit.",
            "start": 0,
            "end": 77,
            "score": 0.99,
        }
    ],
}


def test_question_about_an_order_is_answered_from_what_the_tool_found(
    calls: Calls, say: Say, conversation: UUID
) -> None:
    calls.gives["order_search"] = {"passages": [PASSAGE]}
    say("Where is my order AC-10421? I want to know its delivery status.")
    assert calls.made == [("order_search", {"required_fields": ["order_id", "customer_email"]})]
    assert steps_done() == ["intent_classification", "order_lookup", "response_generation", "reply"]
    [answer] = said_by_ai(conversation)
    assert "in transit" in answer


def test_common_question_is_answered_from_what_the_search_found(
    calls: Calls, say: Say, conversation: UUID
) -> None:
    text = "You can return any lamp within thirty days of delivery."
    sentence = {"text": text, "start": 0, "end": len(text), "score": 0.99}
    found = {**PASSAGE, "title": "Returns", "text": text, "end": len(text), "sentences": [sentence]}
    calls.gives["faq_search"] = {"passages": [found]}
    say("Within how many days can I return a lamp?")
    assert calls.names == ["faq_search"]
    assert steps_done() == ["intent_classification", "faq_lookup", "response_generation", "reply"]
    [answer] = said_by_ai(conversation)
    assert "thirty days" in answer


def test_other_workspace_goes_on_with_its_own_workflow(
    calls: Calls, globex: TenantContext, django_capture_on_commit_callbacks: Any
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = visitor_conversation(customer=Customer.objects.create()).pk
        with django_capture_on_commit_callbacks(execute=True):
            message_receive(
                conversation_id=theirs, client_id="1", text="Where is my order AC-10421?"
            )
        run = Run.objects.get()
        assert run.content_hash == library()["customer_support"].content_hash
    assert calls.names == []
    assert not Run.objects.exists()


def test_answer_that_nothing_bears_out_is_not_given_and_the_lookup_is_undone(
    calls: Calls, say: Say, conversation: UUID
) -> None:
    calls.gives["order_search"] = {"passages": [{"title": "no passage at all"}]}
    say("Where is my order AC-10421? I want to know its delivery status.")
    assert calls.names == ["order_search", "cancel_order_hold", "generic_response"]
    assert Run.objects.get().status == "compensated"
    assert said_by_ai(conversation) == []
    assert state_of(conversation) == "queued"


def test_complaint_waits_for_a_person_in_the_queue_it_names(
    calls: Calls, say: Say, conversation: UUID
) -> None:
    say("This is outrageous, I want to complain about your terrible service!")
    assert Run.objects.get().status == "handed_over"
    assert state_of(conversation) == "queued"
    assert Conversation.objects.get(pk=conversation).queue == "high_priority"
    assert calls.names == []


def test_tool_that_stays_busy_is_tried_three_times_then_falls_back_to_a_person(
    calls: Calls, say: Say, conversation: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.engine.settling.delay_for", lambda *_, **__: 0.001)
    calls.failing = {"order_search": 9}
    say("Where is my order AC-10421? I want to know its delivery status.")
    assert calls.names == ["order_search"] * 3 + ["generic_response"]
    assert calls.made[-1][1]["error"] == "tool_failed"
    assert Run.objects.get().status == "failed"
    assert state_of(conversation) == "queued"
