"""Settings of workspaces by group, and every change that was made to them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.identifiers import uuid7


class WorkspaceSetting(models.Model):
    """The values of one group in one workspace; `version` counts its changes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    group = models.CharField(max_length=40)
    values = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("workspace setting")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "group"], name="workspace_setting_once")
        ]

    def __str__(self) -> str:
        return self.group


class SettingChange(models.Model):
    """One change, never altered: `version` is what it led to, `actor` who made it, in words."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    group = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    before = models.JSONField()
    after = models.JSONField()
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.UUIDField(null=True)
    actor = models.CharField(max_length=200)

    class Meta:
        verbose_name = _("setting change")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "group", "version"], name="setting_change_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-changed_at"], name="setting_change_by_time")]

    def __str__(self) -> str:
        return f"{self.group} {self.version}"
