"""Who gets a conversation: by hand, in turn, back to the queue; and what who waits is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from conversations import selectors, services, tasks
from conversations.announce import status_frame
from conversations.errors import (
    AlreadyResolved,
    CapacityInvalid,
    NotAssignedToYou,
    PersonCannotAnswer,
    PersonNotFound,
    SkillsInvalid,
    StaleReply,
)
from conversations.models import AgentProfile, Conversation, Message, QueueWait
from conversations.types import PRESENCE, ConversationState, Priority
from core import tenancy
from core.audit.models import AuditEntry
from core.errors import ValidationFailed
from core.tenancy import TenantContext
from tenants.preferences.services import setting_change
from tenants.types import Actor
from tests.billing.test_services import relay_drain
from tests.conversations.test_services_handover import stale_reply, together
from tests.factories.conversations import conversation_make, say

pytestmark = pytest.mark.django_db(transaction=True)

People = dict[tuple[str, str], Any]
MONDAY = datetime(2026, 12, 7, 10, 0, tzinfo=UTC)
FRIDAY_NIGHT = datetime(2026, 12, 4, 23, 0, tzinfo=UTC)


def waiting(queue: str = "general", **fields: Any) -> Conversation:
    made = conversation_make(**fields)
    say(made.pk, "I want a person")
    return services.handover_request(
        conversation_id=made.pk, fence=None, reason="requested", queue=queue
    )


def rules(**values: Any) -> None:
    setting_change(group="assignment", values=values, actor=Actor("test", is_owner=True))


def in_turn(**values: Any) -> None:
    rules(mode="round_robin", **values)


def office_hours(*lines: str) -> None:
    values = {"hours": list(lines), "holidays": []}
    setting_change(group="hours", values=values, actor=Actor("test", is_owner=True))


def here(*people: Any, **fields: Any) -> None:
    """Let people's inboxes be open."""
    for person in people:
        services.agent_seen(person_id=person.pk)
        AgentProfile.objects.filter(pk=person.pk).update(**fields)


def owner_of(conversation: Conversation) -> UUID | None:
    return Conversation.objects.get(pk=conversation.pk).owner_id


@pytest.fixture
def agent(people: People) -> Any:
    return people["acme", "agent"]


@pytest.fixture
def admin(people: People) -> Any:
    return people["acme", "admin"]


# --- by hand


def test_assigned_by_hand_and_on_to_somebody_else(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    talk = waiting()
    fence = talk.fence
    for assignee in (agent, agent, admin):
        given = services.conversation_assign(
            conversation_id=talk.pk, person_id=admin.pk, assignee_id=assignee.pk
        )
    assert (given.state, given.owner_id, given.fence) == ("assigned", admin.pk, fence + 2)
    said = Message.objects.filter(conversation=talk, kind="joined").values_list("text", flat=True)
    assert [text.partition(" joined")[0] for text in said.order_by("seq")] == [
        agent.display_name,
        admin.display_name,
    ]
    with pytest.raises(NotAssignedToYou):
        services.agent_reply(
            conversation_id=talk.pk, person_id=agent.pk, client_id="a", text="Still me?"
        )
    with pytest.raises(StaleReply):
        stale_reply(talk.pk, fence, 1)


def test_viewers_strangers_and_other_workspaces_people_get_nothing(
    in_acme: TenantContext, people: People, agent: Any
) -> None:
    talk = waiting()

    def given(assignee_id: UUID) -> None:
        services.conversation_assign(
            conversation_id=talk.pk, person_id=agent.pk, assignee_id=assignee_id
        )

    with pytest.raises(PersonCannotAnswer):
        given(people["acme", "viewer"].pk)
    for nobody in (people["globex", "agent"].pk, uuid4()):
        with pytest.raises(PersonNotFound):
            given(nobody)
    assert owner_of(talk) is None


def test_resolved_is_given_to_nobody(in_acme: TenantContext, agent: Any) -> None:
    talk = waiting()
    services.conversation_resolve(conversation_id=talk.pk, person_id=agent.pk)
    with pytest.raises(AlreadyResolved):
        services.conversation_assign(
            conversation_id=talk.pk, person_id=agent.pk, assignee_id=agent.pk
        )


def test_back_in_its_queue_who_waits_keeps_the_place(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = waiting("billing")
        services.conversation_claim(conversation_id=talk.pk, person_id=agent.pk)
        clock.shift(60)
        say(talk.pk, "Are you there?")
        clock.shift(60)
        later = waiting("billing")
        clock.shift(60)
        with pytest.raises(NotAssignedToYou):
            services.conversation_requeue(conversation_id=talk.pk, person_id=admin.pk)
        for _ in range(2):
            back = services.conversation_requeue(conversation_id=talk.pk, person_id=agent.pk)
    assert (back.state, back.queue, back.owner_id) == ("queued", "billing", None)
    assert back.queued_at == MONDAY + timedelta(seconds=60)
    queue = selectors.queue_list(queue="billing")
    assert [found.pk for found in queue] == [talk.pk, later.pk]


# --- in turn


def test_nothing_is_given_where_people_claim(in_acme: TenantContext, agent: Any) -> None:
    waiting()
    here(agent)
    assert services.queue_assign() == 0


def test_in_turn_to_who_has_room(in_acme: TenantContext, agent: Any, admin: Any) -> None:
    in_turn(capacity=2)
    here(agent, admin)
    talks = [waiting() for _ in range(5)]
    assert services.queue_assign() == 4
    owners = [owner_of(talk) for talk in talks]
    assert owners[4] is None
    assert owners[0] != owners[1]
    assert {owners.count(person.pk) for person in (agent, admin)} == {2}
    assert owners[0] is not None
    services.conversation_resolve(conversation_id=talks[0].pk, person_id=owners[0])
    assert services.queue_assign() == 1
    assert owner_of(talks[4]) == owners[0]


def test_the_urgent_first_then_who_waits_longest(in_acme: TenantContext, agent: Any) -> None:
    in_turn(capacity=2)
    here(agent)
    with time_machine.travel(MONDAY) as clock:
        first = waiting()
        clock.shift(1)
        second = waiting()
        clock.shift(1)
        urgent = waiting(priority=Priority.URGENT)
        here(agent)
        assert services.queue_assign() == 2
    assert [owner_of(talk) for talk in (first, second, urgent)] == [agent.pk, None, agent.pk]


def test_own_capacity_goes_before_the_workspaces(in_acme: TenantContext, agent: Any) -> None:
    in_turn(capacity=5)
    here(agent, capacity=1)
    for _ in range(3):
        waiting()
    assert services.queue_assign() == 1


def test_only_who_is_there_and_available(
    in_acme: TenantContext, agent: Any, admin: Any, people: People
) -> None:
    in_turn()
    talk = waiting()
    here(agent, seen_at=timezone.now() - PRESENCE)
    here(admin, is_available=False)
    here(people["acme", "viewer"])
    assert services.queue_assign() == 0
    services.availability_set(person_id=admin.pk, is_available=True)
    assert services.queue_assign() == 1
    assert owner_of(talk) == admin.pk


def test_queues_go_to_those_who_serve_them_and_others_to_everybody(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    in_turn(capacity=1)
    here(agent, skills=["billing"])
    here(admin, skills=["returns"])
    billing, orphaned = waiting("billing"), waiting("shipping")
    assert services.queue_assign() == 2
    assert (owner_of(billing), owner_of(orphaned)) == (agent.pk, admin.pk)


def test_a_full_specialist_keeps_their_queue_waiting_and_no_other(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    in_turn(capacity=1)
    here(agent, skills=["billing"])
    here(admin)
    AgentProfile.objects.filter(pk=admin.pk).update(skills=["general"])
    talks = [waiting("billing"), waiting("billing"), waiting()]
    assert services.queue_assign() == 2
    assert [owner_of(talk) for talk in talks] == [agent.pk, None, admin.pk]


def test_snoozed_conversations_are_not_given(in_acme: TenantContext, agent: Any) -> None:
    in_turn()
    here(agent)
    talk = waiting()
    later = timezone.now() + timedelta(hours=1)
    services.conversation_triage(conversation_id=talk.pk, changes={"snoozed_until": later})
    assert services.queue_assign() == 0


def test_who_let_it_go_is_not_given_it_again(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    in_turn()
    here(agent)
    talk = waiting()
    services.queue_assign()
    services.conversation_requeue(conversation_id=talk.pk, person_id=agent.pk)
    assert services.queue_assign() == 0
    here(admin)
    assert services.queue_assign() == 1
    assert owner_of(talk) == admin.pk


def test_two_at_once_give_each_conversation_once_and_nobody_too_many(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    in_turn(capacity=3)
    here(agent, admin)
    talks = [waiting() for _ in range(8)]
    given = together(*[services.queue_assign] * 4)
    assert sum(given) == 6
    owners = [owner_of(talk) for talk in talks]
    assert sorted(owners.count(person) for person in (agent.pk, admin.pk, None)) == [2, 3, 3]
    joined = Message.objects.filter(kind="joined")
    assert joined.count() == 6


def test_whoever_begins_to_wait_is_given_to_who_is_there(
    in_acme: TenantContext, agent: Any
) -> None:
    in_turn()
    here(agent)
    talk = waiting()
    with ThreadPoolExecutor(2) as pool, tenancy.public_scope():
        relay_drain(pool, in_acme)
    assert owner_of(talk) == agent.pk


def test_other_workspaces_are_left_alone(
    in_acme: TenantContext, globex: TenantContext, people: People, agent: Any
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = waiting()
        here(people["globex", "agent"])
    in_turn()
    here(agent)
    mine = waiting()
    tasks.queues_tend()
    assert owner_of(mine) == agent.pk
    with tenancy.tenant_scope(globex):
        assert owner_of(theirs) is None
        assert [one.load for one in selectors.agent_list()] == [0] * len(selectors.agent_list())


# --- nobody waits for an agent who is silent


def silent(agent: Any, clock: Any) -> Conversation:
    """Return an agent's conversation in which the visitor has said something just now."""
    talk = waiting()
    services.conversation_claim(conversation_id=talk.pk, person_id=agent.pk)
    services.agent_reply(conversation_id=talk.pk, person_id=agent.pk, client_id="1", text="Hi")
    clock.shift(600)
    say(talk.pk, "And now?")
    return talk


def test_an_agents_silence_brings_the_conversation_back(in_acme: TenantContext, agent: Any) -> None:
    rules(answer_minutes=5)
    here(agent)
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = silent(agent, clock)
        clock.shift(299)
        assert services.overdue_requeue() == 0
        clock.shift(1)
        assert services.overdue_requeue() == 1
        assert services.overdue_requeue() == 0
    back = Conversation.objects.get(pk=talk.pk)
    assert (back.state, back.queue, back.reason) == ("queued", "general", "agent_silent")
    assert back.queued_at == MONDAY + timedelta(seconds=600)
    assert not AgentProfile.objects.get(pk=agent.pk).is_available
    assert Message.objects.filter(conversation=talk).last().kind == "queued"  # type: ignore[union-attr]  # there is one


def test_an_answered_visitor_is_left_with_their_agent(in_acme: TenantContext, agent: Any) -> None:
    rules(answer_minutes=5)
    with time_machine.travel(MONDAY, tick=False) as clock:
        talk = silent(agent, clock)
        services.agent_reply(
            conversation_id=talk.pk, person_id=agent.pk, client_id="2", text="Here I am"
        )
        clock.shift(3_600)
        assert services.overdue_requeue() == 0


def test_silence_counts_in_office_hours_only(in_acme: TenantContext, agent: Any) -> None:
    rules(answer_minutes=30)
    office_hours("mon-fri 09:00-17:00")
    with time_machine.travel(datetime(2026, 12, 4, 16, 35, tzinfo=UTC), tick=False) as clock:
        silent(agent, clock)  # speaks at 16:45
        clock.move_to(datetime(2026, 12, 5, 12, 0, tzinfo=UTC))
        assert services.overdue_requeue() == 0
        clock.move_to(datetime(2026, 12, 7, 9, 14, tzinfo=UTC))
        assert services.overdue_requeue() == 0
        clock.move_to(datetime(2026, 12, 7, 9, 15, tzinfo=UTC))
        assert services.overdue_requeue() == 1


def test_never_means_never(in_acme: TenantContext, agent: Any) -> None:
    rules(answer_minutes=0)
    with time_machine.travel(MONDAY, tick=False) as clock:
        silent(agent, clock)
        clock.shift(86_400)
        assert services.overdue_requeue() == 0


# --- what who waits is told


def queue_told(conversation: Conversation) -> dict[str, Any]:
    told: dict[str, Any] = status_frame(Conversation.objects.get(pk=conversation.pk))["queue"]
    return told


def test_places_follow_urgency(in_acme: TenantContext) -> None:
    first, second = waiting(), waiting()
    services.conversation_triage(conversation_id=second.pk, changes={"priority": Priority.URGENT})
    assert [queue_told(talk)["position"] for talk in (first, second)] == [2, 1]


def test_expected_wait_is_that_of_the_latest_for_each_place(in_acme: TenantContext) -> None:
    talks = [waiting(), waiting()]
    assert "wait_seconds" not in queue_told(talks[0])
    for seconds, place in [(60, 1), (240, 2), (5_000, 2)]:
        QueueWait.objects.create(queue="general", place=place, seconds=seconds)
    QueueWait.objects.create(queue="billing", place=1, seconds=9)
    long_ago = timezone.now() - timedelta(days=2)
    QueueWait.objects.create(queue="general", place=1, seconds=1, ended_at=long_ago)
    assert [queue_told(talk)["wait_seconds"] for talk in talks] == [120, 240]


def test_a_claim_keeps_how_long_it_took(in_acme: TenantContext, agent: Any) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        waiting()
        clock.shift(1)
        talk = waiting()
        clock.shift(90)
        services.conversation_claim(conversation_id=talk.pk, person_id=agent.pk)
    kept = QueueWait.objects.get()
    assert (kept.queue, kept.place, kept.seconds) == ("general", 2, 90)


def test_when_closed_the_visitor_is_told_when_the_team_is_back(in_acme: TenantContext) -> None:
    office_hours("mon-fri 09:00-17:00")
    with time_machine.travel(FRIDAY_NIGHT, tick=False):
        talk = waiting()
        told = queue_told(talk)["opens_at"]
    assert datetime.fromisoformat(told) == datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
    said = Message.objects.get(conversation=talk, kind="queued").text
    assert "Monday, 09:00 (UTC)" in said
    with time_machine.travel(MONDAY, tick=False):
        assert "opens_at" not in queue_told(talk)


@pytest.mark.parametrize("lines", [["always"], ["mon 17:00-09:00"], ["x" * 201]])
def test_hours_that_cannot_be_read_are_refused_where_they_stand(
    in_acme: TenantContext, lines: list[str]
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        office_hours(*lines)
    assert refused.value.data["errors"][0]["pointer"].startswith("/values/hours")


# --- the team


def test_capacity_and_skills_are_checked_and_kept_in_the_audit(
    in_acme: TenantContext, agent: Any, people: People
) -> None:
    profile = services.agent_update(
        person_id=agent.pk, changes={"capacity": 3, "skills": ["Billing ", "billing", ""]}
    )
    assert (profile.capacity, profile.skills) == (3, ["billing"])
    assert AuditEntry.objects.filter(act="agent.changed", target_id=str(agent.pk)).count() == 1
    for capacity in (0, 101):
        with pytest.raises(CapacityInvalid):
            services.agent_update(person_id=agent.pk, changes={"capacity": capacity})
    for skills in (["two words"], ["1st"], ["x" * 41], [f"q{n}" for n in range(21)]):
        with pytest.raises(SkillsInvalid):
            services.agent_update(person_id=agent.pk, changes={"skills": skills})
    with pytest.raises(PersonNotFound):
        services.agent_update(person_id=people["globex", "agent"].pk, changes={"capacity": 1})


def test_a_closed_inbox_is_gone_soon_and_an_open_one_stays(
    in_acme: TenantContext, agent: Any
) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        assert services.agent_seen(person_id=agent.pk)
        assert not services.agent_seen(person_id=agent.pk)
        services.agent_left(person_id=agent.pk)
        clock.shift(25)
        assert not services.agent_seen(person_id=agent.pk)  # another tab
        services.agent_left(person_id=agent.pk)
        clock.shift(31)
        assert services.agent_seen(person_id=agent.pk)


def test_team_is_read_in_so_many_queries_however_large(
    in_acme: TenantContext, agent: Any, admin: Any
) -> None:
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            selectors.agent_list()
        return len(captured)

    here(agent)
    queries()  # reads settings, which are remembered
    alone = queries()
    here(admin)
    services.conversation_assign(
        conversation_id=waiting().pk, person_id=admin.pk, assignee_id=admin.pk
    )
    assert queries() == alone
    lines = {line.person_id: line for line in selectors.agent_list()}
    assert lines[admin.pk].load == 1
    assert lines[agent.pk].is_reachable


def test_states_are_those_of_the_protocol(in_acme: TenantContext) -> None:
    assert waiting().state == ConversationState.QUEUED
