"""The activity projection in a tenant's schema.

`ActivityFact` remembers each event once: it makes the projection idempotent, and it is what the
projection is rebuilt from after the outbox has dropped the event. `DailyActivity` is what is read.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.types import Kind


class ActivityFact(models.Model):
    """One counted event; holds ids and a time, no content."""

    event_id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=20, choices=[(str(kind), str(kind)) for kind in Kind])
    conversation_id = models.UUIDField()
    day = models.DateField()

    class Meta:
        verbose_name = _("activity fact")
        verbose_name_plural = _("activity facts")
        indexes = [models.Index(fields=["day", "kind"], name="activity_fact_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class ConversationStart(models.Model):
    """The day of a conversation's first message, to count each conversation once."""

    conversation_id = models.UUIDField(primary_key=True)
    day = models.DateField()

    class Meta:
        verbose_name = _("conversation start")
        verbose_name_plural = _("conversation starts")

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.day}"


class DailyActivity(models.Model):
    """The numbers of one UTC day."""

    day = models.DateField(_("day"), primary_key=True)
    conversations = models.IntegerField(_("conversations"), default=0, db_default=0)
    visitor_messages = models.IntegerField(_("visitor messages"), default=0, db_default=0)
    ai_replies = models.IntegerField(_("AI replies"), default=0, db_default=0)
    agent_replies = models.IntegerField(_("agent replies"), default=0, db_default=0)
    handovers = models.IntegerField(_("handovers"), default=0, db_default=0)
    resolved = models.IntegerField(_("resolved"), default=0, db_default=0)

    class Meta:
        verbose_name = _("daily activity")
        verbose_name_plural = _("daily activities")
        ordering = ["day"]

    def __str__(self) -> str:
        return str(self.day)
