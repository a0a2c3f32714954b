"""What is promised to whom, in office hours; what is met, given up and late."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from conversations import selectors, services, tasks
from conversations.errors import PolicyIncomplete, PolicyNameTaken, PolicyNotFound
from conversations.models import Conversation, SlaPolicy, SlaTarget
from conversations.types import Priority
from core import tenancy
from core.audit.models import AuditEntry
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tests.conversations.test_assignment import office_hours, waiting
from tests.factories.conversations import conversation_make, say

pytestmark = pytest.mark.django_db(transaction=True)

People = dict[tuple[str, str], Any]
SignIn = Callable[..., Client]
MONDAY = datetime(2026, 12, 7, 10, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def policy(name: str = "All", **values: Any) -> SlaPolicy:
    minutes = {"first_response_minutes": 5, "next_response_minutes": 10, "resolution_minutes": 60}
    return services.policy_save(values={"name": name, **minutes, **values})


def targets(talk: Conversation) -> dict[str, SlaTarget]:
    """Return the latest target of each kind."""
    found = reversed(selectors.sla_target_list(conversation_id=talk.pk))
    return {target.kind: target for target in found}


def open_kinds(talk: Conversation) -> list[str]:
    rows = SlaTarget.objects.filter(conversation=talk, ended_at=None)
    return sorted(rows.values_list("kind", flat=True))


@pytest.fixture
def agent(people: People) -> Any:
    return people["acme", "agent"]


def claim(talk: Conversation, agent: Any) -> None:
    services.conversation_claim(conversation_id=talk.pk, person_id=agent.pk)


def reply(talk: Conversation, agent: Any, client_id: str = "1") -> None:
    services.agent_reply(
        conversation_id=talk.pk, person_id=agent.pk, client_id=client_id, text="Here I am"
    )


def test_the_clock_begins_when_a_person_is_asked_for(in_acme: TenantContext) -> None:
    policy()
    with_ai = conversation_make()
    say(with_ai.pk)
    assert open_kinds(with_ai) == []
    with time_machine.travel(MONDAY, tick=False):
        talk = waiting()
    found = targets(talk)
    assert found["first_response"].due_at == MONDAY + timedelta(minutes=5)
    assert found["resolution"].due_at == MONDAY + timedelta(minutes=60)
    assert open_kinds(talk) == ["first_response", "resolution"]


def test_an_answer_meets_and_the_next_question_starts_again(
    in_acme: TenantContext, agent: Any
) -> None:
    policy()
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = waiting()
        claim(talk, agent)
        say(talk.pk, "Hello?")
        assert open_kinds(talk) == ["first_response", "resolution"]
        clock.shift(60)
        reply(talk, agent)
        assert targets(talk)["first_response"].is_met
        assert open_kinds(talk) == ["resolution"]
        clock.shift(60)
        say(talk.pk, "And then?")
        clock.shift(60)
        say(talk.pk, "Well?")
        asked = targets(talk)["next_response"]
        assert asked.due_at == MONDAY + timedelta(minutes=12)
        reply(talk, agent, "2")
        services.conversation_resolve(conversation_id=talk.pk, person_id=agent.pk)
    assert open_kinds(talk) == []
    assert all(target.is_met for target in targets(talk).values())
    assert not any(target.breached_at for target in targets(talk).values())


def test_handing_back_gives_up_what_was_promised(in_acme: TenantContext, agent: Any) -> None:
    policy()
    talk = waiting()
    claim(talk, agent)
    services.conversation_hand_back(conversation_id=talk.pk, person_id=agent.pk)
    assert open_kinds(talk) == []
    assert not any(target.is_met for target in targets(talk).values())


def test_back_in_the_queue_the_first_clock_goes_on(in_acme: TenantContext, agent: Any) -> None:
    policy()
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = waiting()
        claim(talk, agent)
        clock.shift(120)
        services.conversation_requeue(conversation_id=talk.pk, person_id=agent.pk)
    assert targets(talk)["first_response"].due_at == MONDAY + timedelta(minutes=5)
    assert SlaTarget.objects.filter(conversation=talk).count() == 2


def test_lateness_is_noted_once_and_published(in_acme: TenantContext, agent: Any) -> None:
    policy()
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = waiting()
        clock.shift(299)
        assert services.breaches_note() == 0
        clock.shift(1)
        assert services.breaches_note() == 1
        assert services.breaches_note() == 0
        claim(talk, agent)
        reply(talk, agent)
    first = targets(talk)["first_response"]
    assert (first.is_met, first.breached_at) == (True, MONDAY + timedelta(minutes=5))
    published = OutboxEvent.objects.filter(name="conversation.sla.breached")
    assert [event.payload["kind"] for event in published] == ["first_response"]


def test_who_answers_late_before_anybody_looked_is_late(in_acme: TenantContext, agent: Any) -> None:
    policy()
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = waiting()
        clock.shift(301)
        claim(talk, agent)
        reply(talk, agent)
    assert targets(talk)["first_response"].breached_at is not None


def test_minutes_are_of_office_hours(in_acme: TenantContext) -> None:
    policy()
    office_hours("mon-fri 09:00-17:00")
    with time_machine.travel(datetime(2026, 12, 4, 16, 58, tzinfo=UTC), tick=False):
        talk = waiting()
    assert targets(talk)["first_response"].due_at == datetime(2026, 12, 7, 9, 3, tzinfo=UTC)


def test_the_first_level_that_fits_holds_and_triage_may_change_it(in_acme: TenantContext) -> None:
    policy("All", position=9, first_response_minutes=30)
    policy("VIP", position=1, labels=["vip"], first_response_minutes=1)
    policy("Urgent", position=2, priority_from=Priority.HIGH, first_response_minutes=3)
    policy("Old", position=0, is_active=False, first_response_minutes=99)
    policy("Mail", position=0, channels=["email"], first_response_minutes=98)
    with time_machine.travel(MONDAY, tick=False):
        talk = waiting()

        def due() -> float:
            return (targets(talk)["first_response"].due_at - MONDAY).total_seconds() / 60

        assert due() == 30
        services.conversation_triage(conversation_id=talk.pk, changes={"priority": Priority.URGENT})
        assert due() == 3
        services.conversation_triage(conversation_id=talk.pk, changes={"labels": ["VIP"]})
        assert due() == 1


def test_without_levels_nothing_is_promised(in_acme: TenantContext) -> None:
    assert targets(waiting()) == {}


def test_what_cannot_be_is_refused_and_changes_are_audited(in_acme: TenantContext) -> None:
    made = policy("All")
    with pytest.raises(PolicyNameTaken):
        policy("All")
    nothing = dict.fromkeys(SlaPolicy.MINUTES.values())
    with pytest.raises(PolicyIncomplete):
        services.policy_save(policy_id=made.pk, values=nothing)
    services.policy_delete(policy_id=made.pk)
    with pytest.raises(PolicyNotFound):
        services.policy_delete(policy_id=made.pk)
    entries = AuditEntry.objects.filter(act="sla_policy.changed", target_id=str(made.pk))
    assert [json.loads(entry.data)["what"] for entry in entries.order_by("pk")] == [
        "saved",
        "deleted",
    ]


def test_deleting_a_level_leaves_what_is_promised(in_acme: TenantContext) -> None:
    made = policy()
    talk = waiting()
    services.policy_delete(policy_id=made.pk)
    assert open_kinds(talk) == ["first_response", "resolution"]


def test_inbox_lists_what_is_due_the_next_first(
    in_acme: TenantContext, globex: TenantContext, sign_in: SignIn
) -> None:
    with tenancy.tenant_scope(globex):
        policy()
        theirs = waiting()
    policy("All", position=9)
    policy("VIP", position=1, labels=["vip"], first_response_minutes=1)
    slow, quick = waiting(), waiting(labels=["vip"])
    other = conversation_make()
    say(other.pk)
    rows = sign_in(role="agent").get("/inbox/list/", {"view": "due"}).content.decode()
    assert rows.index(str(quick.pk)) < rows.index(str(slow.pk))
    assert str(other.pk) not in rows
    assert str(theirs.pk) not in rows


def test_late_is_said_in_the_list(in_acme: TenantContext, sign_in: SignIn) -> None:
    policy()
    waiting()
    client = sign_in(role="agent")
    assert "late since" not in client.get("/inbox/list/").content.decode()
    SlaTarget.objects.update(due_at=LONG_AGO)
    assert "late since" in client.get("/inbox/list/").content.decode()


def test_page_makes_changes_and_refuses_in_words(in_acme: TenantContext, sign_in: SignIn) -> None:
    client = sign_in(role="admin")
    form = {"name": "Quick", "priority_from": "high", "position": "0", "labels": "VIP, vip",
            "first_response_minutes": "5", "is_active": "on"}  # fmt: skip
    assert client.post("/settings/service-levels/new/", form).status_code == 302
    made = SlaPolicy.objects.get()
    assert (made.priority_from, made.labels, made.is_active) == (Priority.HIGH, ["vip"], True)
    again = client.post("/settings/service-levels/new/", form)
    assert again.status_code == 422
    assert "Another service level has that name." in again.content.decode()
    empty = client.post(
        f"/settings/service-levels/{made.pk}/", {**form, "first_response_minutes": ""}
    )
    assert "at least one of the three" in empty.content.decode()
    assert "Quick" in client.get("/settings/service-levels/").content.decode()


def test_every_workspaces_lateness_is_noted_in_its_own(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    policy()
    with tenancy.tenant_scope(globex):
        policy()
        waiting()
        SlaTarget.objects.update(due_at=LONG_AGO)
    talk = waiting()
    tasks.queues_tend()
    assert targets(talk)["first_response"].breached_at is None
    with tenancy.tenant_scope(globex):
        assert SlaTarget.objects.exclude(breached_at=None).count() == 2
