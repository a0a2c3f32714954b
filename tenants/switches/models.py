"""The switches' history: one row from on to off, kept."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.switches.types import Switch, SwitchSource

MEANING = {
    Switch.REMOTE_MODELS_OFF: _("The local model answers for every tier."),
    Switch.UPLOADS_OFF: _("New documents are refused."),
    Switch.ANALYTICS_OFF: _("Reports are not shown; counting goes on."),
    Switch.API_READS_OFF: _("Reading by REST is refused; chat and writes go on."),
    Switch.WIDGET_PEOPLE_ONLY: _("People answer visitors, not the assistant."),
}


class DegradeSwitch(models.Model):
    """One time a switch was on. It ends at `expires_at` by itself, or before that at `ended_at`.

    Only the platform role writes here; the application reads what is on through a function.
    """

    name = models.CharField(_("switch"), max_length=32, choices=[(str(s), str(s)) for s in Switch])
    tenant_id = models.UUIDField(_("workspace"), null=True, blank=True)
    source = models.CharField(
        _("source"), max_length=12, choices=[(str(s), str(s)) for s in SwitchSource]
    )
    reason = models.CharField(_("reason"), max_length=200)
    started_by = models.UUIDField(_("switched on by"), null=True, blank=True)
    started_at = models.DateTimeField(_("on since"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends by itself"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("degrade switch")
        verbose_name_plural = _("degrade switches")
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "tenant_id", "source"],
                condition=models.Q(ended_at=None),
                nulls_distinct=False,
                name="degrade_switch_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.source}"

    @property
    def is_on(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()
