"""What is said in several messages is answered once, and a whole question at once."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from conversations.services import conversation_claim
from conversations.types import ConversationState, TurnContext
from core.events import Later
from core.events.models import Delivery
from core.tenancy import TenantContext
from tests.workflows.conftest import Say, said_by_ai
from workflows import selectors, services
from workflows.engine.step import StepContext
from workflows.models import Run
from workflows.patience import is_whole, patience_left

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.get_default_timezone())


@pytest.fixture
def patient(settings: Any, in_acme: TenantContext) -> None:
    settings.REPLY_PATIENCE_MS = 400


def turn(text: str, *seconds_ago: float) -> TurnContext:
    return TurnContext(
        conversation_id=uuid4(),
        fence=1,
        state=ConversationState.AI,
        last_visitor_seq=1,
        text=text,
        history=(),
        channel="web",
        last_text=text,
        said_at=tuple(NOW - timedelta(seconds=ago) for ago in seconds_ago),
    )


def deliveries_await() -> None:
    """Wait until the message's deliveries are done."""
    deadline = time.monotonic() + 10
    pending = Delivery.objects.filter(state="pending", subscriber="workflows.start_run")
    while pending.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not pending.exists()


def said_in_the_end(conversation: UUID) -> list[str]:
    """Return what the AI has said once nothing is left to do: runs begin after their delivery."""
    deliveries_await()
    deadline = time.monotonic() + 10
    while not Run.objects.filter(status="completed").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return said_by_ai(conversation)


@pytest.mark.parametrize(
    "text",
    [
        "postage price to Germany?",
        "Can I swap it?! 🙂",
        'Is it "waterproof"?',
        "可以退货吗\uff1f",
        "هل يمكنني الإرجاع؟",
        "can my camping stove go on the plane",
        "wie lange kann ich eine Jacke zurückgeben",
    ],
)
def test_whole_question_is_known_by_its_mark_or_its_words(text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize(
    "text",
    ["hi", "How long", "I have a question", "order 1234", "I bought a jacket of yours last week."],
)
def test_piece_is_no_whole_question(text: str) -> None:
    assert not is_whole(text)


@pytest.mark.parametrize(
    ("text", "seconds_ago", "left"),
    [
        ("How long?", [0.1], 0.0),
        ("How long?", [9.0, 0.1], 0.0),
        ("How long?", [1.0, 0.5], 1.5),
        ("a jacket", [0.5], 1.5),
        ("a jacket", [30.0], 0.0),
        ("a jacket", [-5.0], 2.0),  # another machine's clock
        ("", [], 0.0),
    ],
)
def test_patience_counts_from_the_last_message(
    settings: Any, text: str, seconds_ago: list[float], left: float
) -> None:
    settings.REPLY_PATIENCE_MS = 2_000
    assert patience_left(turn(text, *seconds_ago), now=NOW) == pytest.approx(left)


def test_five_messages_make_one_reply(
    patient: None, use_workflow: Callable[[str], None], say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    pieces = ["How long", "do I have", "to return", "a jacket", "of yours?"]
    for piece in pieces:
        say(piece)
        time.sleep(0.1)
    assert said_by_ai(conversation) == []
    assert said_in_the_end(conversation) == ["Hello"]
    begun = selectors.run_events(run_id=Run.objects.get().pk)[0]
    assert begun.payload["input"]["text"] == "\n".join(pieces)


def test_whole_question_does_not_wait(
    patient: None, use_workflow: Callable[[str], None], say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    say("How long do I have to return a jacket?")
    assert said_by_ai(conversation) == ["Hello"]


def test_nothing_is_said_to_a_conversation_that_a_person_takes_meanwhile(
    patient: None,
    use_workflow: Callable[[str], None],
    say: Say,
    conversation: UUID,
    people: Any,
) -> None:
    use_workflow(HELLO)
    say("a jacket")
    conversation_claim(conversation_id=conversation, person_id=people["acme", "agent"].pk)
    deliveries_await()
    assert said_by_ai(conversation) == []


def test_what_comes_during_a_run_is_waited_for_as_well(
    patient: None,
    use_workflow: Callable[[str], None],
    say: Say,
    meddle: Callable[[Callable[[StepContext], Any]], None],
    conversation: UUID,
) -> None:
    use_workflow("  - {id: look, type: meddle}\n" + HELLO)
    more = ["a jacket", "that I wore"]

    def visitor_goes_on(context: StepContext) -> None:
        while more:
            say(more.pop(0))

    meddle(visitor_goes_on)
    say("How long do I have to return something?")
    assert said_by_ai(conversation) == []
    assert said_in_the_end(conversation) == ["Hello"]
    assert sorted(Run.objects.values_list("status", flat=True)) == ["completed", "superseded"]


def test_end_of_a_run_comes_again_while_the_visitor_goes_on(
    patient: None, use_workflow: Callable[[str], None], say: Say, conversation: UUID
) -> None:
    use_workflow(HELLO)
    say("a jacket")
    with pytest.raises(Later):
        services.turn_answer(conversation_id=conversation, trigger_event_id=uuid4())
    deliveries_await()
