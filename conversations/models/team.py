"""What a team arranges: who takes what, what is promised, who is told, what is said often."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.talk import Conversation
from conversations.types import (
    LABEL_LENGTH,
    PRESENCE,
    SHORTCUT_LENGTH,
    NotificationKind,
    Priority,
    SlaKind,
)
from core.identifiers import uuid7


class CannedReply(models.Model):
    """A text that agents say often; `owner_id` is whose own it is, None everybody's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_id = models.UUIDField(null=True, blank=True)
    shortcut = models.CharField(max_length=SHORTCUT_LENGTH)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("canned reply")
        constraints = [
            models.UniqueConstraint(
                fields=["owner_id", "shortcut"],
                nulls_distinct=False,
                name="canned_reply_shortcut_once",
            )
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"

    @property
    def is_shared(self) -> bool:
        """Return whether everybody has it."""
        return self.owner_id is None


class AgentProfile(models.Model):
    """How one of the team works in the inbox; there once they have opened it.

    `skills` are the queues they serve, all of them where there are none. `capacity` is how many
    conversations they have at once by assignment; without one the workspace's holds.
    """

    person_id = models.UUIDField(primary_key=True)
    capacity = models.PositiveSmallIntegerField(null=True, blank=True)
    skills = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    is_available = models.BooleanField(default=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("agent")

    def __str__(self) -> str:
        return f"agent {self.person_id}"

    @property
    def is_present(self) -> bool:
        """Return whether their inbox is open now."""
        return self.seen_at is not None and timezone.now() - self.seen_at < PRESENCE

    @property
    def is_reachable(self) -> bool:
        """Return whether they take conversations now."""
        return self.is_available and self.is_present


class QueueWait(models.Model):
    """How long somebody waited in a queue until a person came, and at which place they began."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    queue = models.CharField(max_length=40)
    place = models.PositiveIntegerField()
    seconds = models.PositiveIntegerField()
    ended_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("wait")
        indexes = [models.Index(fields=["queue", "-ended_at"], name="queue_wait_latest")]

    def __str__(self) -> str:
        return f"{self.seconds} s in {self.queue}"


class NotificationTarget(models.Model):
    """Who is told that a visitor waits for a person, in one queue or in all.

    An address of mail, or that of a Slack channel's webhook, which is a secret and kept sealed;
    `shown` is what people may see of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=10, choices=[(kind.value, kind.value) for kind in NotificationKind]
    )
    sealed = models.BinaryField()
    shown = models.CharField(max_length=254)
    queue = models.CharField(max_length=40, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("notification")

    def __str__(self) -> str:
        return f"{self.kind} {self.shown}"


class SlaPolicy(models.Model):
    """How soon people shall answer and resolve, in minutes of office hours, and for whom.

    Of the active ones the first by `position` that a conversation fits holds. Empty conditions fit
    everything; of `labels` one is enough.
    """

    MINUTES: ClassVar[dict[SlaKind, str]] = {kind: f"{kind.value}_minutes" for kind in SlaKind}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    priority_from = models.PositiveSmallIntegerField(default=Priority.NONE)
    labels = ArrayField(models.CharField(max_length=LABEL_LENGTH), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    next_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("service level")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def minutes_for(self, kind: SlaKind) -> int | None:
        """Return how long it may take; None where nothing is promised."""
        minutes: int | None = getattr(self, self.MINUTES[kind])
        return minutes

    def fits(self, conversation: Conversation) -> bool:
        """Return whether the policy is for this conversation."""
        return (
            conversation.priority >= self.priority_from
            and (not self.labels or bool({*self.labels} & {*conversation.labels}))
            and (not self.channels or conversation.channel in self.channels)
        )


class SlaTarget(models.Model):
    """Until when a person shall have done something in a conversation, and what became of it.

    Open until `ended_at`; then either met, or given up because no person was needed any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="sla_targets"
    )
    policy = models.ForeignKey(SlaPolicy, on_delete=models.SET_NULL, null=True)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in SlaKind])
    started_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_met = models.BooleanField(default=False)
    breached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("target")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "kind"],
                condition=Q(ended_at=None),
                name="sla_target_open_once",
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(ended_at=None), name="sla_target_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.due_at:%Y-%m-%d %H:%M}"
