"""Plans, subscriptions and the usage ledger: rows of the shared schema, confined by tenant."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.types import Meter, SubscriptionState, limits_faults
from core.identifiers import uuid7


class Plan(models.Model):
    """What can be subscribed to; the same for every tenant. An absent limit means unlimited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    price_minor = models.PositiveIntegerField(_("price a month, in minor units"))
    currency = models.CharField(_("currency"), max_length=3)
    limits = models.JSONField(_("limits a month"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_offered = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["position", "code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"), name="plan_currency_iso"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        faults = limits_faults(self.limits)
        if faults:
            raise ValidationError({"limits": faults})


class Subscription(models.Model):
    """A tenant's one subscription."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(_("tenant"), unique=True)
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="subscriptions", verbose_name=_("plan")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=[(str(state), str(state)) for state in SubscriptionState]
    )
    trial_ends_at = models.DateTimeField(_("trial ends"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.state}"


class UsageEntry(models.Model):
    """One usage, counted once: unique by (event, meter), never altered or removed.

    The application's role holds no right to update or delete rows of this table; a correction is
    a further entry.
    """

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(_("tenant"))
    event_id = models.UUIDField(_("event"))
    meter = models.CharField(_("meter"), max_length=20, choices=[(str(m), str(m)) for m in Meter])
    quantity = models.BigIntegerField(_("quantity"))
    subject_id = models.UUIDField(_("subject"), null=True)
    occurred_at = models.DateTimeField(_("occurred"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())

    class Meta:
        verbose_name = _("usage entry")
        verbose_name_plural = _("usage entries")
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "meter"], name="usage_entry_once"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "-occurred_at", "-id"], name="usage_entry_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.quantity}"
