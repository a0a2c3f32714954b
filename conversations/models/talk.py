"""Who talks with whom, and what was said."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.types import (
    COMMENT_LIMIT,
    LABEL_LENGTH,
    Author,
    ConversationState,
    Position,
    Priority,
)
from core.identifiers import uuid7


def epoch_new() -> str:
    """Return a name for a history that was never written before."""
    return secrets.token_hex(4)


class Customer(models.Model):
    """Someone a business talks with; `external_id` is the business's own name for them.

    `identified_at` is when a token that the business signed last named them. `attributes` is what
    its page says of them, `answers` what they answered to the form. An anonymous visitor who turned
    out to be somebody is `carried_to` them, once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    external_id = models.CharField(max_length=200, null=True, blank=True, unique=True)
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    identified_at = models.DateTimeField(null=True, blank=True)
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    answers = models.JSONField(default=dict, db_default={}, blank=True)
    carried_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="carried_from"
    )
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
    attachments = models.JSONField(default=list, db_default=[], blank=True)
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


class Attachment(models.Model):
    """A file of a conversation; without a message it is an upload that was not sent yet.

    `author` and `person_id` say who uploaded it. A message keeps a copy of what is shown of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="attachments"
    )
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, blank=True, related_name="files"
    )
    author = models.CharField(max_length=10)
    person_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("attachment")
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(message=None),
                name="attachment_not_sent",
            )
        ]

    def __str__(self) -> str:
        return self.name


class AttachmentContent(models.Model):
    """The bytes, apart from what lists read."""

    attachment = models.OneToOneField(
        Attachment, primary_key=True, on_delete=models.CASCADE, related_name="content"
    )
    content = models.BinaryField()

    class Meta:
        verbose_name = _("content of an attachment")

    def __str__(self) -> str:
        return str(self.pk)


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


class Rating(models.Model):
    """How a customer found a conversation when it was resolved: one for each time it was.

    `resolution` is the conversation's fence at that moment, which no other resolution has.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="ratings")
    resolution = models.PositiveIntegerField()
    score = models.PositiveSmallIntegerField()
    comment = models.CharField(max_length=COMMENT_LIMIT, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("rating")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "resolution"], name="rating_once_a_resolution"
            ),
            models.CheckConstraint(
                name="rating_is_one_to_five", condition=Q(score__gte=1, score__lte=5)
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="rating_by_time")]

    def __str__(self) -> str:
        return f"{self.score} of 5"
