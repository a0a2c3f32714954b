"""What each event uses."""

from __future__ import annotations

import uuid

import pytest

from billing.metering import METERED, usage_of
from billing.types import Meter
from core.events import catalogue

ID = uuid.uuid4()


def completion(
    tokens_in: int, tokens_out: int, cost_micro: int = 0
) -> catalogue.CompletionGenerated:
    return catalogue.CompletionGenerated(
        run_id=ID,
        step_id="answer",
        provider="local",
        model="extractive-1",
        tier="SLM_A",
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_micro=cost_micro,
        currency="USD",
    )


EVENTS = [
    (
        catalogue.MessageReceived(conversation_id=ID, message_id=ID, seq=1, characters=9),
        {Meter.MESSAGES: 1},
    ),
    (
        catalogue.ReplyAppended(conversation_id=ID, message_id=ID, run_id=ID, seq=2, citations=1),
        {Meter.AI_REPLIES: 1},
    ),
    (
        catalogue.RunCompleted(run_id=ID, workflow="faq", status="completed", duration_ms=5),
        {Meter.RUNS: 1},
    ),
    (completion(120, 30), {Meter.TOKENS_IN: 120, Meter.TOKENS_OUT: 30}),
    (completion(120, 0), {Meter.TOKENS_IN: 120}),
    (completion(0, 0, 750), {Meter.SPEND_MICRO: 750}),
    (
        catalogue.DocumentIngested(document_id=ID, chunks=4, bytes=2048),
        {Meter.DOCUMENTS: 1, Meter.STORAGE_BYTES: 2048},
    ),
    (
        catalogue.AttachmentStored(conversation_id=ID, attachment_id=ID, bytes=512),
        {Meter.STORAGE_BYTES: 512},
    ),
    (catalogue.ConversationResolved(conversation_id=ID, by="person"), {}),
]


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_event_uses(event: catalogue.Event, expected: dict[Meter, int]) -> None:
    assert {usage.meter: usage.quantity for usage in usage_of(event)} == expected


def test_every_meter_is_fed_by_an_event() -> None:
    fed = {usage.meter for event, _ in EVENTS for usage in usage_of(event)}
    assert fed == set(Meter)
    assert {type(event) for event, expected in EVENTS if expected} == set(METERED)
