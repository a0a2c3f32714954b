"""The outbox and its deliveries: append-mostly, partitioned by day, dropped by age."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.utils.translation import gettext_lazy as _


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
