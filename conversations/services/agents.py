"""The team as agents: who is there, who takes conversations, how many and of which queues."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import NotRequired, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.announce import agents_announce
from conversations.errors import CapacityInvalid, SkillsInvalid
from conversations.models import AgentProfile
from conversations.services.transcript import answerer_require
from conversations.types import CAPACITY_LIMIT, PRESENCE, QUEUE_NAME, SKILLS_LIMIT
from core.audit.record import act_record
from core.audit.types import Act

# Longer than it takes an open inbox to say so again.
CLOSED = timedelta(seconds=30)
_QUEUE = re.compile(QUEUE_NAME)


class AgentChanges(TypedDict):
    """What is to change; a capacity of None is the workspace's."""

    capacity: NotRequired[int | None]
    skills: NotRequired[Iterable[str]]


def agent_seen(*, person_id: UUID) -> bool:
    """Note that an agent's inbox is open; returns whether it was not just before. Idempotent."""
    profile, _ = AgentProfile.objects.get_or_create(person_id=person_id)
    was_present = profile.is_present
    AgentProfile.objects.filter(pk=person_id).update(seen_at=timezone.now())
    if not was_present:
        agents_announce()
    return not was_present


def agent_left(*, person_id: UUID) -> None:
    """Note that an inbox was closed: who has no other open is gone after `CLOSED`."""
    lapsing = timezone.now() - PRESENCE + CLOSED
    AgentProfile.objects.filter(pk=person_id, seen_at__gt=lapsing).update(seen_at=lapsing)


def availability_set(*, person_id: UUID, is_available: bool) -> AgentProfile:
    """Let conversations come to somebody, or not.

    Idempotent. Raises PersonNotFound, PersonCannotAnswer.
    """
    answerer_require(person_id)
    with transaction.atomic():
        profile, _ = AgentProfile.objects.update_or_create(
            person_id=person_id, defaults={"is_available": is_available}
        )
        agents_announce()
    return profile


def agent_update(*, person_id: UUID, changes: AgentChanges) -> AgentProfile:
    """Change how many conversations somebody has at once, and which queues they serve.

    Idempotent. Raises PersonNotFound, PersonCannotAnswer, CapacityInvalid, SkillsInvalid. Kept in
    the audit.
    """
    answerer_require(person_id)
    with transaction.atomic():
        AgentProfile.objects.get_or_create(person_id=person_id)
        profile = AgentProfile.objects.select_for_update().get(pk=person_id)
        if "capacity" in changes:
            profile.capacity = _capacity_checked(changes["capacity"])
        if "skills" in changes:
            profile.skills = _skills_checked(changes["skills"])
        profile.save(update_fields=["capacity", "skills"])
        act_record(
            act=Act.AGENT_CHANGED,
            target_kind="person",
            target_id=person_id,
            data={"capacity": profile.capacity, "skills": profile.skills},
        )
        agents_announce()
    return profile


def _capacity_checked(capacity: int | None) -> int | None:
    if capacity is not None and not 1 <= capacity <= CAPACITY_LIMIT:
        raise CapacityInvalid(limit=CAPACITY_LIMIT)
    return capacity


def queue_is_name(text: str) -> bool:
    """Return whether a queue can be called so."""
    return _QUEUE.fullmatch(text) is not None


def _skills_checked(skills: Iterable[str]) -> list[str]:
    found = sorted({skill.strip().lower() for skill in skills} - {""})
    if len(found) > SKILLS_LIMIT or not all(map(queue_is_name, found)):
        raise SkillsInvalid(limit=SKILLS_LIMIT)
    return found
