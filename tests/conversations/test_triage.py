"""Triage and notes: who sees what when, and nothing of it ever reaches a visitor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from conversations import selectors, services, tasks
from conversations.errors import (
    ConversationNotFound,
    LabelsInvalid,
    MessageEmpty,
    PersonNotFound,
    SnoozeInvalid,
)
from conversations.models import Conversation, ConversationNote
from conversations.services.triage import labels_clean
from conversations.types import Priority
from core import tenancy
from core.tenancy import TenantContext
from tests.conversations.lines import Connect
from tests.factories.conversations import conversation_make, say

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[..., Client]
People = dict[tuple[str, str], Any]


@pytest.fixture
def talk(in_acme: TenantContext) -> Conversation:
    """Return a conversation that waits for a person."""
    made = conversation_make()
    say(made.pk, "My lamp is broken")
    return services.handover_request(conversation_id=made.pk, fence=None, reason="requested")


def triaged(talk: Conversation, **changes: Any) -> Conversation:
    return services.conversation_triage(conversation_id=talk.pk, changes=changes)  # type: ignore[arg-type]  # the tests' own words


def listed(client: Client, **query: str) -> str:
    return client.get("/inbox/list/", query).content.decode()


def test_what_is_left_out_stays_as_it_is(talk: Conversation) -> None:
    triaged(talk, priority=Priority.HIGH, labels=["Refund", " refund ", "damaged  goods"])
    found = triaged(talk, snoozed_until=timezone.now() + timedelta(hours=1))
    assert (found.priority, found.labels) == (Priority.HIGH, ["damaged goods", "refund"])
    assert found.is_snoozed
    assert triaged(talk, snoozed_until=None).snoozed_until is None


@pytest.mark.parametrize("labels", [["x" * 41], ["a,b"], [f"l{n}" for n in range(21)]])
def test_labels_that_cannot_be_kept_are_refused(labels: list[str]) -> None:
    with pytest.raises(LabelsInvalid):
        labels_clean(labels)


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_snooze_ends_ahead_and_within_a_year(talk: Conversation, days: int) -> None:
    with pytest.raises(SnoozeInvalid):
        triaged(talk, snoozed_until=timezone.now() + timedelta(days=days, seconds=-1))


def test_snoozed_conversation_leaves_the_lists_and_comes_back_in_time(
    talk: Conversation, sign_in: SignIn
) -> None:
    client = sign_in("acme", "agent")
    assert str(talk.pk) in listed(client, view="queue")
    triaged(talk, snoozed_until=timezone.now() + timedelta(hours=1))
    assert str(talk.pk) not in listed(client, view="queue")
    assert str(talk.pk) not in listed(client, view="all")
    assert str(talk.pk) in listed(client, view="snoozed")
    assert selectors.conversation_counts()["queued"] == 0
    tasks.snoozed_wake()
    assert Conversation.objects.get().snoozed_until is not None  # its time has not come
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=True):
        tasks.snoozed_wake()
    assert Conversation.objects.get().snoozed_until is None
    assert str(talk.pk) in listed(client, view="queue")


def test_visitor_who_writes_is_not_put_off(talk: Conversation) -> None:
    triaged(talk, snoozed_until=timezone.now() + timedelta(days=3))
    say(talk.pk, "Hello?")
    assert Conversation.objects.get().snoozed_until is None


def test_urgent_conversations_head_the_queue(talk: Conversation, sign_in: SignIn) -> None:
    later = conversation_make()
    say(later.pk, "The house is on fire")
    services.handover_request(conversation_id=later.pk, fence=None, reason="requested")
    services.conversation_triage(
        conversation_id=later.pk, changes={"priority": Priority.URGENT, "labels": ["fire"]}
    )
    client = sign_in("acme", "agent")
    page = listed(client, view="queue")
    assert page.index(str(later.pk)) < page.index(str(talk.pk))
    assert "Urgent" in page
    only = listed(client, view="queue", label="fire")
    assert str(later.pk) in only
    assert str(talk.pk) not in only


def test_note_is_seen_by_the_team_and_in_nothing_a_visitor_gets(
    talk: Conversation, sign_in: SignIn, people: People
) -> None:
    agent, owner = people["acme", "agent"], people["acme", "owner"]
    text = f"<b>Difficult</b> one, @{owner.display_name}?"
    note = services.note_add(
        conversation_id=talk.pk, person_id=agent.pk, client_id="n-1", text=text
    )
    assert note.mentions == [owner.pk]
    page = sign_in("acme", "viewer").get(f"/inbox/{talk.pk}/").content.decode()
    assert "&lt;b&gt;Difficult&lt;/b&gt; one" in page
    assert "Add note" not in page  # a viewer reads
    said = selectors.message_list(conversation_id=talk.pk)
    assert "Difficult" not in "".join(message.text for message in said)
    talk.refresh_from_db()
    assert talk.preview == "My lamp is broken"
    assert str(talk.pk) in listed(sign_in("acme", "owner"), view="mentions")
    assert str(talk.pk) not in listed(sign_in("acme", "agent"), view="mentions")


def test_note_sent_again_is_one_note(talk: Conversation, people: People) -> None:
    sent = {"conversation_id": talk.pk, "person_id": people["acme", "agent"].pk, "client_id": "n"}
    first = services.note_add(**sent, text="Once")
    assert services.note_add(**sent, text="Twice") == first
    assert ConversationNote.objects.get().text == "Once"


def test_note_wants_words_and_a_member(talk: Conversation, people: People) -> None:
    with pytest.raises(MessageEmpty):
        services.note_add(
            conversation_id=talk.pk,
            person_id=people["acme", "agent"].pk,
            client_id="n",
            text=" \x00 ",
        )
    for stranger in (uuid4(), people["globex", "agent"].pk):
        with pytest.raises(PersonNotFound):
            services.note_add(conversation_id=talk.pk, person_id=stranger, client_id="n", text="Hm")


def test_other_workspace_neither_sees_nor_changes_anything(
    talk: Conversation, globex: TenantContext, people: People, sign_in: SignIn
) -> None:
    triaged(talk, labels=["secret"])
    services.note_add(
        conversation_id=talk.pk,
        person_id=people["acme", "agent"].pk,
        client_id="n",
        text="Between us",
    )
    with tenancy.tenant_scope(globex):
        assert selectors.labels_used() == []
        assert not ConversationNote.objects.exists()
        with pytest.raises(ConversationNotFound):
            triaged(talk, priority=Priority.LOW)
        with pytest.raises(ConversationNotFound):
            services.note_add(
                conversation_id=talk.pk,
                person_id=people["globex", "agent"].pk,
                client_id="n",
                text="x",
            )
    client = sign_in("globex", "owner")
    assert (
        client.post(f"/inbox/{talk.pk}/note/", {"text": "x", "client_id": "n"}).status_code == 404
    )


def test_agent_arranges_a_conversation_with_the_forms_of_the_page(
    talk: Conversation, sign_in: SignIn
) -> None:
    client = sign_in("acme", "agent")
    data = {"priority": "urgent", "labels": "Refund, damaged", "snooze": "1d"}
    assert client.post(f"/inbox/{talk.pk}/triage/", data).status_code == 302
    talk.refresh_from_db()
    assert (talk.priority, talk.labels) == (Priority.URGENT, ["damaged", "refund"])
    assert talk.is_snoozed
    note = {"text": "Called back", "client_id": "n-2"}
    part = client.post(
        f"/inbox/{talk.pk}/note/", note, headers={"accept": "application/problem+json"}
    ).content.decode()
    assert '<template data-part="notes">' in part
    assert "Called back" in part
    page = client.get(f"/inbox/{talk.pk}/").content.decode()
    assert "Bring back now" in page
    client.post(f"/inbox/{talk.pk}/triage/", {**data, "snooze": "wake"})
    assert not Conversation.objects.get(pk=talk.pk).is_snoozed
    wrong = client.post(
        f"/inbox/{talk.pk}/triage/",
        {**data, "priority": "nonsense"},
        headers={"accept": "application/problem+json"},
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/priority")


@pytest.mark.parametrize("role", ["viewer", None])
def test_who_may_not_write_arranges_nothing(
    talk: Conversation, sign_in: SignIn, role: str | None
) -> None:
    client = sign_in("acme", role)
    for path, data in (("triage", {"priority": "low"}), ("note", {"text": "x", "client_id": "n"})):
        assert client.post(f"/inbox/{talk.pk}/{path}/", data).status_code in (302, 403)
    assert not ConversationNote.objects.exists()
    assert Conversation.objects.get().priority == Priority.NONE


class TestApi:
    @pytest.fixture
    def call(self, api_key: Callable[..., str]) -> Callable[..., Any]:
        key = api_key("acme", "conversations:read", "conversations:write")

        def called(method: str, path: str, body: object = None) -> Any:
            client = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {key}"})
            return getattr(client, method)(
                f"/api/v1/conversations{path}", body, content_type="application/json"
            )

        return called

    def test_triage_changes_what_is_given(
        self, talk: Conversation, call: Callable[..., Any]
    ) -> None:
        done = call("patch", f"/{talk.pk}/triage", {"priority": "high", "labels": ["Refund"]})
        assert (done.json()["priority"], done.json()["labels"]) == ("high", ["refund"])
        assert done.json()["snoozed_until"] is None
        found = call("get", "?label=refund").json()["results"]
        assert [each["id"] for each in found] == [str(talk.pk)]
        assert call("get", "?label=other").json()["results"] == []

    @pytest.mark.parametrize(
        "body",
        [
            {"priority": "soon"},
            {"labels": "refund"},
            {"snoozed_until": "tomorrow"},
            {"snoozed_until": "2001-01-01T00:00:00Z"},
            {"colour": "red"},
            {"labels": ["a,b"]},
        ],
    )
    def test_what_breaks_the_contract_is_refused(
        self, talk: Conversation, call: Callable[..., Any], body: dict[str, Any]
    ) -> None:
        assert call("patch", f"/{talk.pk}/triage", body).status_code == 400
        assert Conversation.objects.get().labels == []

    def test_notes_are_written_and_listed(
        self, talk: Conversation, call: Callable[..., Any], people: People
    ) -> None:
        body = {"text": "Hm", "client_id": "n-1", "person_id": str(people["acme", "agent"].pk)}
        made = call("post", f"/{talk.pk}/notes", body)
        assert (made.status_code, made.json()["text"]) == (201, "Hm")
        [listed] = call("get", f"/{talk.pk}/notes").json()["results"]
        assert UUID(listed["id"]) == ConversationNote.objects.get().pk
        assert call("get", f"/{talk.pk}/messages").json()["results"][0]["text"] != "Hm"


# --- who waits, and what they are told of their place


def queued(world: Any, someone: Any) -> UUID:
    """Have a visitor wait for a person; return their conversation."""
    with tenancy.tenant_scope(world.tenants["acme"]):
        waits = services.handover_request(
            conversation_id=someone.conversation_id, fence=None, reason="requested"
        )
        return waits.pk


def test_who_waits_is_told_when_somebody_urgent_passes(
    visitor: Any, chat: Connect, world: Any, people: People
) -> None:
    first, second, agent = visitor(), visitor(), people["acme", "agent"]
    queued(world, first)
    urgent = queued(world, second)
    with chat(first) as line:
        line.say("hello")
        assert line.hear("status")["queue"]["position"] == 1
        with tenancy.tenant_scope(world.tenants["acme"]):
            services.conversation_triage(
                conversation_id=urgent, changes={"priority": Priority.URGENT}
            )
        assert line.hear("status")["queue"]["position"] == 2
        with tenancy.tenant_scope(world.tenants["acme"]):
            services.conversation_claim(conversation_id=urgent, person_id=agent.pk)
            assert line.hear("status")["queue"]["position"] == 1
            services.conversation_requeue(conversation_id=urgent, person_id=agent.pk)
        assert line.hear("status")["queue"]["position"] == 2
