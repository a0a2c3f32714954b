"""From AI to people and back, one after another and at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from conversations import errors, selectors
from conversations.models import Conversation, Message
from conversations.services import (
    agent_reply,
    conversation_claim,
    conversation_hand_back,
    conversation_resolve,
    handover_request,
    message_receive,
    reply_append,
)
from conversations.types import Author, ConversationState
from core import tenancy
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tests.factories.conversations import answer, conversation_make, say


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run the works at the same moment in threads; returns results or the errors they raised."""
    results: list[Any] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(index: int, work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[index] = work()
        except Exception as error:  # noqa: BLE001 - the error is the result
            results[index] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=copy_context().run, args=(run, index, work))
        for index, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def stale_reply(conversation_id: UUID, fence: int, answered_seq: int) -> Message:
    return reply_append(
        conversation_id=conversation_id,
        fence=fence,
        answered_seq=answered_seq,
        run_id=uuid4(),
        text="From the AI.",
        citations=[],
    )


def kinds(conversation: Conversation) -> list[str]:
    rows = Message.objects.filter(conversation=conversation, author=Author.SYSTEM).order_by("seq")
    return [message.kind for message in rows]


def test_handover_queues_tells_the_visitor_and_publishes_once(in_acme: TenantContext) -> None:
    conversation = conversation_make()
    say(conversation.pk, "I want a person")
    for _ in range(2):
        handed = handover_request(conversation_id=conversation.pk, fence=1, reason="requested")
    assert (handed.state, handed.queue, handed.fence) == (ConversationState.QUEUED, "general", 2)
    assert kinds(conversation) == ["queued"]
    assert OutboxEvent.objects.filter(name="conversation.handover.requested").count() == 1
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert (turn.state, turn.text) == (ConversationState.QUEUED, "")


def test_handover_with_an_old_fence_is_stale(in_acme: TenantContext, people: Any) -> None:
    agent = people["acme", "agent"].pk
    conversation = conversation_make()
    say(conversation.pk)
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    conversation_hand_back(conversation_id=conversation.pk, person_id=agent)
    with pytest.raises(errors.StaleReply):
        handover_request(conversation_id=conversation.pk, fence=1, reason="requested")


def test_claim_says_who_has_it(in_acme: TenantContext, people: Any) -> None:
    agent, admin = people["acme", "agent"], people["acme", "admin"]
    conversation = conversation_make()
    say(conversation.pk)
    conversation_claim(conversation_id=conversation.pk, person_id=agent.pk)
    again = conversation_claim(conversation_id=conversation.pk, person_id=agent.pk)
    assert again.fence == 2
    with pytest.raises(errors.AlreadyClaimed) as caught:
        conversation_claim(conversation_id=conversation.pk, person_id=admin.pk)
    assert caught.value.data == {"agent": agent.display_name}
    assert caught.value.http_status == 409


def test_only_the_owner_hands_back_or_resolves(in_acme: TenantContext, people: Any) -> None:
    agent, admin = people["acme", "agent"].pk, people["acme", "admin"].pk
    conversation = conversation_make()
    say(conversation.pk)
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    for act in (conversation_hand_back, conversation_resolve):
        with pytest.raises(errors.NotAssignedToYou):
            act(conversation_id=conversation.pk, person_id=admin)
    conversation_resolve(conversation_id=conversation.pk, person_id=agent)
    assert conversation_resolve(conversation_id=conversation.pk, person_id=admin).fence == 3
    with pytest.raises(errors.AlreadyResolved):
        conversation_claim(conversation_id=conversation.pk, person_id=agent)


def test_ai_answers_what_was_left_open_after_the_hand_back(
    in_acme: TenantContext, people: Any
) -> None:
    agent = people["acme", "agent"].pk
    conversation = conversation_make()
    say(conversation.pk, "A person please")
    handover_request(conversation_id=conversation.pk, fence=1, reason="requested")
    say(conversation.pk, "How long may I return it?")
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    conversation_hand_back(conversation_id=conversation.pk, person_id=agent)
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert (turn.state, turn.text) == (ConversationState.AI, "How long may I return it?")
    assert kinds(conversation) == ["queued", "joined", "handed_back"]
    answer(conversation.pk)


def test_queue_positions_follow_the_time_of_waiting(in_acme: TenantContext, people: Any) -> None:
    waiting = [conversation_make() for _ in range(3)]
    for conversation in waiting:
        say(conversation.pk)
        handover_request(conversation_id=conversation.pk, fence=None, reason="requested")
    placed = [Conversation.objects.get(pk=one.pk) for one in waiting]
    assert [selectors.queue_position(one) for one in placed] == [1, 2, 3]
    conversation_claim(conversation_id=waiting[0].pk, person_id=people["acme", "agent"].pk)
    assert [selectors.queue_position(one) for one in placed[1:]] == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_exactly_one_wins(world: Any, people: Any) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        conversation = conversation_make()
        say(conversation.pk)
        persons = [people["acme", role].pk for role in ("owner", "admin", "agent", "viewer")]

        def claim(person_id: UUID) -> object:
            return conversation_claim(conversation_id=conversation.pk, person_id=person_id)

        results = together(*(partial(claim, person) for person in persons))
        won = [result for result in results if isinstance(result, Conversation)]
        lost = [result for result in results if isinstance(result, errors.AlreadyClaimed)]
        assert (len(won), len(lost)) == (1, 3)
        assert {error.data["agent"] for error in lost} == {won[0].owner_name}
        assert kinds(conversation) == ["joined"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("takeover", [conversation_claim, conversation_resolve])
def test_no_ai_message_follows_a_takeover_at_any_interleaving(
    world: Any, people: Any, takeover: Any
) -> None:
    agent = people["acme", "agent"].pk
    with tenancy.tenant_scope(world.tenants["acme"]):
        for _ in range(12):
            conversation = conversation_make()
            seq = say(conversation.pk)
            together(
                partial(takeover, conversation_id=conversation.pk, person_id=agent),
                partial(stale_reply, conversation.pk, 1, seq),
                partial(stale_reply, conversation.pk, 1, seq),
            )
            rows = Message.objects.filter(conversation=conversation).order_by("seq")
            authors = [(message.author, message.kind) for message in rows]
            assert [message.seq for message in rows] == list(range(1, len(rows) + 1))
            ends = [index for index, (_, kind) in enumerate(authors) if kind]
            assert len(ends) == 1
            assert all(author != Author.AI for author, _ in authors[ends[0] :])


@pytest.mark.django_db(transaction=True)
def test_messages_at_once_get_seqs_without_holes(world: Any) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        conversation = conversation_make()

        def speak(number: int) -> object:
            client_id = f"m-{number % 5}"
            return message_receive(
                conversation_id=conversation.pk, client_id=client_id, text=f"text {number % 5}"
            )

        results = together(*(partial(speak, number) for number in range(10)))
        rows = Message.objects.filter(conversation=conversation).order_by("seq")
        assert [message.seq for message in rows] == [1, 2, 3, 4, 5]
        assert sum(result.duplicate for result in results) == 5
        assert OutboxEvent.objects.filter(name="conversation.message.received").count() == 5


@pytest.mark.django_db(transaction=True)
def test_reply_and_a_new_message_at_once_never_leave_the_message_unanswered(world: Any) -> None:
    with tenancy.tenant_scope(world.tenants["acme"]):
        for _ in range(8):
            conversation = conversation_make()
            seq = say(conversation.pk, "first")
            reply, _ = together(
                partial(stale_reply, conversation.pk, 1, seq),
                partial(say, conversation.pk, "second"),
            )
            turn = selectors.turn_context(conversation_id=conversation.pk)
            expected = "first\nsecond" if isinstance(reply, errors.StaleReply) else "second"
            assert turn.text == expected


def test_agent_replies_only_while_it_is_theirs(in_acme: TenantContext, people: Any) -> None:
    agent = people["acme", "agent"].pk
    conversation = conversation_make()
    say(conversation.pk)
    conversation_claim(conversation_id=conversation.pk, person_id=agent)
    conversation_hand_back(conversation_id=conversation.pk, person_id=agent)
    with pytest.raises(errors.NotAssignedToYou):
        agent_reply(
            conversation_id=conversation.pk, person_id=agent, client_id="late", text="Too late"
        )
