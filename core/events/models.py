"""The outbox and its deliveries: append-mostly, partitioned by day, dropped by age."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.identifiers import uuid7


class OutboxEvent(models.Model):
    """One published event. Partitioned by `occurred_at`; `xid` is the writing transaction."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(db_default=RandomUUID())
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    payload = models.JSONField()
    occurred_at = models.DateTimeField()

    class Meta:
        app_label = "core"
        verbose_name = _("outbox event")

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class Delivery(models.Model):
    """One subscriber's turn with one event."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        DEAD = "dead", _("Dead letter")

    id = models.BigAutoField(primary_key=True)
    event_seq = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    tenant_id = models.UUIDField()
    subscriber = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    replay_id = models.UUIDField(null=True)  # which replay's turn it is, until a retry or its end
    strikes = models.PositiveSmallIntegerField(default=0, db_default=0)  # transactions lost with it

    class Meta:
        app_label = "core"
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")

    def __str__(self) -> str:
        return f"{self.subscriber} ← #{self.event_seq}"


class DeadLetterManager(models.Manager["DeadLetter"]):
    def get_queryset(self) -> models.QuerySet[DeadLetter]:
        return super().get_queryset().filter(state=Delivery.State.DEAD)


class DeadLetter(Delivery):
    """A delivery whose retries are used up, kept with its reason until someone redrives it."""

    objects = DeadLetterManager()  # type: ignore[misc]

    class Meta:
        proxy = True
        app_label = "core"
        verbose_name = _("dead letter")


class EventReplay(models.Model):
    """One tenant's stored events of a time span, delivered again to one subscriber.

    The relay carries it on in small turns: `cursor_at` and `cursor_id` say how far it is planned,
    the deliveries that carry its id what is left. A column `before_xid` holds the watermark.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        PLANNING = "planning", _("Planning")
        DELIVERING = "delivering", _("Delivering")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.REQUESTED, State.PLANNING, State.DELIVERING)

    id = models.UUIDField(primary_key=True, default=uuid7)
    tenant_id = models.UUIDField()
    subscriber = models.CharField(max_length=120)
    since = models.DateTimeField()
    until = models.DateTimeField()
    is_rebuild = models.BooleanField(default=False)
    is_holding = models.BooleanField(
        default=True, help_text=_("Whether later first deliveries wait for the replay's end.")
    )
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    planned = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    cursor_at = models.DateTimeField(null=True)
    cursor_id = models.BigIntegerField(default=0)
    requested_at = models.DateTimeField()
    turn_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "core"
        verbose_name = _("event replay")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "subscriber"],
                condition=models.Q(state__in=("requested", "planning", "delivering")),
                name="core_eventreplay_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} since {self.since:%Y-%m-%d %H:%M}"
