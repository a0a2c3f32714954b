"""What is said: order, idempotency, limits, and replies that come too late."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from conversations import errors, selectors
from conversations.models import Conversation, Message
from conversations.services import (
    agent_reply,
    conversation_claim,
    conversation_read,
    conversation_resolve,
    message_receive,
    reply_append,
)
from conversations.types import Author, ConversationState
from core import tenancy
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tests.factories.conversations import answer, citation_make, conversation_make, say


def events(name: str) -> list[OutboxEvent]:
    return list(OutboxEvent.objects.filter(name=name))


def test_message_gets_the_next_seq_and_an_event(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    assert [say(conversation.pk, "one"), say(conversation.pk, "two")] == [1, 2]
    stored = events("conversation.message.received")
    assert [event.payload["seq"] for event in stored] == [1, 2]
    assert stored[0].payload["characters"] == 3


def test_message_under_a_known_client_id_is_stored_once(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    first = message_receive(conversation_id=conversation.pk, client_id="a-1", text="Hi")
    again = message_receive(conversation_id=conversation.pk, client_id="a-1", text="Hi once more")
    assert (again.seq, again.message_id, again.duplicate) == (first.seq, first.message_id, True)
    assert Message.objects.filter(conversation=conversation).count() == 1
    assert len(events("conversation.message.received")) == 1


def test_the_same_client_id_in_another_conversation_is_another_message(
    in_acme: TenantContext,
) -> None:
    first, second = conversation_make(), conversation_make()
    assert say(first.pk, client_id="same") == say(second.pk, client_id="same") == 1


@pytest.mark.parametrize("text", ["", "   \n\t", "\x00\x01", "\u200b\u200b", "\ud800"])
def test_message_without_anything_to_read_is_refused(in_acme: TenantContext, text: str) -> None:
    conversation = conversation_make()
    with pytest.raises(errors.MessageEmpty):
        say(conversation.pk, text)
    assert selectors.position_get(conversation_id=conversation.pk).seq == 0


def test_message_of_8000_characters_passes_and_one_more_does_not(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    say(conversation.pk, "ä" * 8_000)
    with pytest.raises(errors.MessageTooLong) as caught:
        say(conversation.pk, "ä" * 8_001)
    assert caught.value.code == "message_too_long"
    assert caught.value.data == {"length": 8_001, "limit": 8_000}


def test_control_characters_are_removed_and_line_ends_unified(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    say(conversation.pk, "  a\x00b\r\nc\x1b[31m\td\ud83d  ")
    stored = Message.objects.get(conversation=conversation)
    assert stored.text == "ab\nc[31m\td"


@pytest.mark.parametrize("client_id", ["", "x" * 65, "with space", "newline\n", "ü"])
def test_client_id_of_another_form_is_refused(in_acme: TenantContext, client_id: str) -> None:
    conversation = conversation_make()
    with pytest.raises(errors.ClientIdInvalid):
        message_receive(conversation_id=conversation.pk, client_id=client_id, text="Hi")


def test_another_tenants_conversation_does_not_exist(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = conversation_make()
    with tenancy.tenant_scope(acme), pytest.raises(errors.ConversationNotFound):
        say(theirs.pk)


def test_reply_carries_citations_and_route(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    seq = say(conversation.pk)
    message = reply_append(
        conversation_id=conversation.pk,
        fence=1,
        answered_seq=seq,
        run_id=uuid4(),
        text="Thirty days [1].",
        citations=[citation_make()],
        route={"tier": "SLM_A"},
    )
    assert message.seq == 2
    assert message.citations[0]["title"] == "Returns policy"
    assert message.route == {"tier": "SLM_A"}
    assert events("conversation.reply.appended")[0].payload["citations"] == 1


def test_reply_of_a_run_is_appended_once(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    seq, run_id = say(conversation.pk), uuid4()
    arguments: dict[str, Any] = {
        "conversation_id": conversation.pk,
        "fence": 1,
        "answered_seq": seq,
        "run_id": run_id,
        "text": "Yes.",
        "citations": [],
    }
    first = reply_append(**arguments)
    say(conversation.pk, "and then?")
    assert reply_append(**arguments).pk == first.pk
    assert len(events("conversation.reply.appended")) == 1


def test_reply_to_an_older_message_is_stale(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    answered = say(conversation.pk, "one")
    say(conversation.pk, "two")
    with pytest.raises(errors.StaleReply):
        reply_append(
            conversation_id=conversation.pk,
            fence=1,
            answered_seq=answered,
            run_id=uuid4(),
            text="Only to the first.",
            citations=[],
        )
    assert not Message.objects.filter(conversation=conversation, author=Author.AI).exists()


def test_burst_is_one_turn(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    for text in ("How long", "do I have", "to return a jacket?"):
        say(conversation.pk, text)
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert turn.text == "How long\ndo I have\nto return a jacket?"
    assert (turn.last_visitor_seq, turn.history) == (3, ())
    answer(conversation.pk)
    say(conversation.pk, "Thanks!")
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert turn.text == "Thanks!"
    assert [item.author for item in turn.history] == [Author.VISITOR] * 3 + [Author.AI]


def test_message_to_a_resolved_conversation_opens_it_for_the_ai(
    in_acme: TenantContext, people: Any
) -> None:
    conversation = conversation_make()
    say(conversation.pk)
    agent = people["acme", "agent"].pk
    conversation_resolve(conversation_id=conversation.pk, person_id=agent)
    say(conversation.pk, "One more thing")
    conversation.refresh_from_db()
    assert conversation.state == ConversationState.AI
    kinds = Message.objects.filter(conversation=conversation).order_by("seq")
    assert [message.kind for message in kinds] == ["", "resolved", "reopened", ""]
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert turn.text == "One more thing"


def test_agent_who_has_not_claimed_cannot_reply(in_acme: TenantContext, people: Any) -> None:
    conversation = conversation_make()
    say(conversation.pk)
    with pytest.raises(errors.NotAssignedToYou):
        agent_reply(
            conversation_id=conversation.pk,
            person_id=people["acme", "agent"].pk,
            client_id="r-1",
            text="Hello",
        )


def test_agent_reply_is_stored_once_and_named(in_acme: TenantContext, people: Any) -> None:
    conversation = conversation_make()
    say(conversation.pk)
    agent = people["acme", "agent"].pk
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    sent = {"conversation_id": conversation.pk, "person_id": agent, "client_id": "r-1"}
    first = agent_reply(**sent, text="Hello")
    assert agent_reply(**sent, text="Hello").pk == first.pk
    assert (first.name, first.person_id) == ("agent", agent)
    assert selectors.turn_context(conversation_id=conversation.pk).text == ""


def test_client_id_of_the_visitor_is_not_the_agents(in_acme: TenantContext, people: Any) -> None:
    conversation = conversation_make()
    say(conversation.pk, client_id="same")
    agent = people["acme", "agent"].pk
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    with pytest.raises(errors.ClientIdTaken):
        agent_reply(
            conversation_id=conversation.pk, person_id=agent, client_id="same", text="Hello"
        )


def test_person_of_another_tenant_cannot_act(in_acme: TenantContext, people: Any) -> None:
    conversation = conversation_make()
    say(conversation.pk)
    stranger = people["globex", "agent"].pk
    with pytest.raises(errors.PersonNotFound):
        conversation_claim(conversation_id=conversation.pk, person_id=stranger)


def test_read_position_never_moves_back_or_beyond_the_end(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    for _ in range(3):
        say(conversation.pk)
    for seq in (2, 1, 99):
        conversation_read(conversation_id=conversation.pk, seq=seq, by=Author.AGENT)
        conversation.refresh_from_db()
    assert conversation.agent_read_seq == 3
    assert conversation.unread == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"state": "queued"},
        {"state": "assigned"},
        {"state": "ai", "queue": "general"},
        {"state": "ai", "owner_id": uuid4()},
        {"state": "queued", "queue": "general", "owner_id": uuid4()},
    ],
)
def test_database_refuses_a_conversation_without_owner_or_queue(
    in_acme: TenantContext, broken: Any
) -> None:
    conversation = conversation_make()
    with pytest.raises(IntegrityError), transaction.atomic():
        Conversation.objects.filter(pk=conversation.pk).update(**broken)
