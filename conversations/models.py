"""Customers, conversations, messages, widgets: tables of each tenant's own schema."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.preferences import ACCENT
from conversations.types import (
    LABEL_LENGTH,
    PRESENCE,
    SHORTCUT_LENGTH,
    Author,
    ConversationState,
    Position,
    Priority,
)
from core.identifiers import uuid7


def epoch_new() -> str:
    """Return a name for a history that was never written before."""
    return secrets.token_hex(4)


def widget_key_new() -> str:
    return f"wk_{secrets.token_urlsafe(18)}"


class Customer(models.Model):
    """Someone a business talks with; `external_id` is the business's own name for them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True, unique=True)
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("customer")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """Return what agents call them; an anonymous visitor goes by the end of their id."""
        return self.name or self.email or _("Visitor %(tail)s") % {"tail": self.id.hex[-4:].upper()}


class Conversation(models.Model):
    """A conversation with one customer; it always has an owner (the AI or an agent) or a queue.

    `fence` counts changes of who may answer: a reply written under an older fence is dropped.
    `answered_seq` is the last visitor message that a reply, an agent or a handover has dealt with.
    `queue_place` is where the wait began; `served_queue` is the queue its agent took it from.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="conversations")
    channel = models.CharField(max_length=20, default="web")
    state = models.CharField(
        max_length=10,
        choices=[(state.value, state.value) for state in ConversationState],
        default=ConversationState.AI.value,
    )
    fence = models.PositiveIntegerField(default=1)
    epoch = models.CharField(max_length=8, default=epoch_new)
    next_seq = models.PositiveIntegerField(default=1)
    last_visitor_seq = models.PositiveIntegerField(default=0)
    answered_seq = models.PositiveIntegerField(default=0)
    visitor_read_seq = models.PositiveIntegerField(default=0)
    agent_read_seq = models.PositiveIntegerField(default=0)
    owner_id = models.UUIDField(null=True, blank=True)
    owner_name = models.CharField(max_length=160, blank=True)
    queue = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=64, blank=True)
    preview = models.CharField(max_length=160, blank=True)
    preview_author = models.CharField(max_length=10, blank=True)
    context = models.JSONField(default=dict, blank=True)
    priority = models.PositiveSmallIntegerField(default=Priority.NONE, db_default=0)
    labels = ArrayField(
        models.CharField(max_length=LABEL_LENGTH), default=list, db_default=[], blank=True
    )
    snoozed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    last_message_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    queue_place = models.PositiveIntegerField(null=True, blank=True)
    served_queue = models.CharField(max_length=40, blank=True, default="", db_default="")
    assigned_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("conversation")
        constraints = [
            models.CheckConstraint(
                name="conversation_has_owner_or_queue",
                condition=Q(state="ai", owner_id=None, queue="")
                | (Q(state="queued", owner_id=None) & ~Q(queue=""))
                | Q(state="assigned", owner_id__isnull=False, queue="")
                | Q(state="resolved"),
            )
        ]
        indexes = [
            models.Index(fields=["state", "-last_message_at"], name="conversation_by_state"),
            models.Index(fields=["customer", "-created_at"], name="conversation_by_customer"),
            models.Index(
                fields=["queue", "queued_at"],
                condition=Q(state="queued"),
                name="conversation_queue",
            ),
            GinIndex(fields=["labels"], name="conversation_by_label"),
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="conversation_snoozed",
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"

    @property
    def seq(self) -> int:
        """Return the seq of the last message, 0 when there is none."""
        return self.next_seq - 1

    @property
    def position(self) -> Position:
        return Position(epoch=self.epoch, seq=self.seq)

    @property
    def is_snoozed(self) -> bool:
        """Return whether the team has put it off until later."""
        return self.snoozed_until is not None and self.snoozed_until > timezone.now()

    @property
    def unread(self) -> int:
        """Return how many messages no agent has seen."""
        return max(0, self.seq - self.agent_read_seq)


class Message(models.Model):
    """One message; `seq` counts from 1 without holes within its conversation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    seq = models.PositiveIntegerField()
    author = models.CharField(
        max_length=10, choices=[(author.value, author.value) for author in Author]
    )
    kind = models.CharField(max_length=12, blank=True)
    text = models.TextField()
    client_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - unique if set
    citations = models.JSONField(default=list, blank=True)
    route = models.JSONField(null=True, blank=True)
    is_abstained = models.BooleanField(default=False)
    run_id = models.UUIDField(null=True, blank=True)
    run_part = models.CharField(max_length=40, blank=True, default="")
    person_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("message")
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_once"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"], name="message_client_id_once"
            ),
            models.UniqueConstraint(
                fields=["run_id", "run_part"],
                condition=Q(author="ai"),
                name="message_reply_part_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author} #{self.seq}"


class ConversationNote(models.Model):
    """What the team says to itself about a conversation; the visitor never sees it.

    In a table of its own, not among the messages: nothing that shows messages can show it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    person_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=160)
    text = models.TextField()
    mentions = ArrayField(models.UUIDField(), default=list, blank=True)
    client_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("note")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_id"], name="note_client_id_once"
            )
        ]
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="note_by_conversation"),
            GinIndex(fields=["mentions"], name="note_by_mention"),
        ]

    def __str__(self) -> str:
        return f"note by {self.name}"


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


class WidgetInstallation(models.Model):
    """The widget a tenant embeds: its public key, where it may appear and how it looks."""

    ACCENT: ClassVar[str] = ACCENT

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=40, unique=True, default=widget_key_new)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    title = models.CharField(max_length=80, blank=True)
    greeting = models.CharField(max_length=300, blank=True)
    accent = models.CharField(max_length=7, default=ACCENT)
    suggestions = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("widget")

    def __str__(self) -> str:
        return self.key
