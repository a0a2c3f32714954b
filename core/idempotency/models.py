"""Keyed requests and their answers, kept for a day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.idempotency.types import RecordState
from core.identifiers import uuid7


class IdempotencyRecord(models.Model):
    """One keyed request. `scope` is a digest of caller, method, path and key."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    tenant_id = models.UUIDField()
    scope = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(
        max_length=8, choices=[(str(state), str(state)) for state in RecordState]
    )
    token = models.UUIDField(help_text=_("Whose attempt holds the lease."))
    lease_until = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "core"
        verbose_name = _("idempotency record")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant_id", "scope"], name="core_idempotency_scope_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} {self.scope[:8]}"
