"""Service levels: until when a person shall have answered, answered again, resolved.

The clock begins when a person is asked for and counts office hours only. A target is met by what it
asks for, given up when no person is needed any more, and breached when its time comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import announce, selectors
from conversations.errors import PolicyIncomplete, PolicyNameTaken, PolicyNotFound
from conversations.models import Conversation, SlaPolicy, SlaTarget
from conversations.support_preferences import office_hours
from conversations.types import SlaKind
from core.audit.record import act_record
from core.audit.types import Act
from core.events import catalogue, publish

BREACHES_LIMIT = 500


def targets_start(conversation: Conversation, *kinds: SlaKind) -> None:
    """Begin targets of a locked conversation by the policy it falls under; open ones go on."""
    policy = selectors.sla_policy_for(conversation)
    if policy is None:
        return
    is_open = set(_open(conversation).values_list("kind", flat=True))
    for kind in kinds:
        due_at = _due(policy, kind, timezone.now())
        if due_at is not None and kind not in is_open:
            SlaTarget.objects.create(
                conversation=conversation, policy=policy, kind=kind, due_at=due_at
            )


def _due(policy: SlaPolicy, kind: SlaKind, start: datetime) -> datetime | None:
    minutes = policy.minutes_for(kind)
    return office_hours().due(start, minutes * 60) if minutes else None


def _open(conversation: Conversation) -> Any:
    return SlaTarget.objects.filter(conversation=conversation, ended_at=None)


def targets_meet(conversation: Conversation, *kinds: SlaKind) -> None:
    """End targets of a locked conversation that are met now; a late one is breached too."""
    now = timezone.now()
    for target in _open(conversation).filter(kind__in=kinds):
        if target.due_at < now:
            _breach(target, now)
        target.ended_at, target.is_met = now, True
        target.save(update_fields=["ended_at", "is_met"])


def targets_drop(conversation: Conversation) -> None:
    """Give up what is open of a locked conversation: no person is needed any more."""
    _open(conversation).update(ended_at=timezone.now())


def targets_revise(conversation: Conversation) -> None:
    """Set open targets of a locked conversation to the policy it falls under now."""
    policy = selectors.sla_policy_for(conversation)
    for target in _open(conversation):
        due_at = _due(policy, SlaKind(target.kind), target.started_at) if policy else None
        if due_at is None:
            target.ended_at = timezone.now()
        else:
            target.policy, target.due_at = policy, due_at
        target.save(update_fields=["policy", "due_at", "ended_at"])


def breaches_note() -> int:
    """Note the tenant's targets whose time has come; returns how many.

    Idempotent; one that is locked just now is left to the next call. Publishes SlaBreached.
    """
    with transaction.atomic():
        rows = SlaTarget.objects.select_for_update(of=("self",), skip_locked=True)
        due = rows.filter(ended_at=None, breached_at=None, due_at__lte=timezone.now())
        late = list(
            due.select_related("conversation__customer").order_by("due_at")[:BREACHES_LIMIT]
        )
        for target in late:
            _breach(target, timezone.now())
    return len(late)


def _breach(target: SlaTarget, now: datetime) -> None:
    if target.breached_at is not None:
        return
    target.breached_at = now
    target.save(update_fields=["breached_at"])
    announce.change_announce(target.conversation)
    publish(
        catalogue.SlaBreached(
            conversation_id=target.conversation_id, target_id=target.pk, kind=target.kind
        )
    )


def policy_save(*, values: Mapping[str, Any], policy_id: UUID | None = None) -> SlaPolicy:
    """Make a policy, or change what is given of one; kept in the audit.

    What is open already keeps its times. Raises PolicyNotFound, PolicyNameTaken, PolicyIncomplete.
    """
    with transaction.atomic():
        policy = _policy_locked(policy_id) if policy_id else SlaPolicy()
        for name, value in values.items():
            setattr(policy, name, value)
        _policy_check(policy)
        policy.save()
        _policy_record(policy, "saved")
    return policy


def policy_delete(*, policy_id: UUID) -> None:
    """Delete a policy; what is open by it goes on. Kept in the audit. Raises PolicyNotFound."""
    with transaction.atomic():
        policy = _policy_locked(policy_id)
        _policy_record(policy, "deleted")
        policy.delete()


def _policy_locked(policy_id: UUID) -> SlaPolicy:
    policy = SlaPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise PolicyNotFound()
    return policy


def _policy_check(policy: SlaPolicy) -> None:
    if not any(policy.minutes_for(kind) for kind in SlaKind):
        raise PolicyIncomplete()
    if SlaPolicy.objects.filter(name=policy.name).exclude(pk=policy.pk).exists():
        raise PolicyNameTaken()


def _policy_record(policy: SlaPolicy, what: str) -> None:
    act_record(
        act=Act.SLA_POLICY_CHANGED,
        target_kind="sla_policy",
        target_id=policy.pk,
        data={"what": what, **{kind.value: policy.minutes_for(kind) for kind in SlaKind}},
    )
