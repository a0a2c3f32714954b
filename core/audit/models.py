"""The audit log's rows. Only the database function `audit_append` writes entries and heads."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.audit.types import Act, ActorKind


class AuditEntry(models.Model):
    """One act. `hash` covers every column and the hash of the chain's entry before it."""

    tenant_id = models.UUIDField(help_text=_("The chain; all zero is the platform's own."))
    seq = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    act = models.CharField(max_length=40, choices=[(str(act), str(act)) for act in Act])
    actor_kind = models.CharField(
        max_length=12, choices=[(str(kind), str(kind)) for kind in ActorKind]
    )
    actor_id = models.UUIDField(null=True)
    network = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=40)
    target_id = models.CharField(max_length=64)
    data = models.TextField(help_text=_("JSON: ids, names of fields, numbers."))
    hash = models.BinaryField()

    class Meta:
        app_label = "core"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        constraints = (
            models.UniqueConstraint(fields=["tenant_id", "seq"], name="core_audit_seq_unique"),
        )

    def __str__(self) -> str:
        return f"{self.seq} {self.act}"


class AuditHead(models.Model):
    """The last entry of a chain: its row is the lock that puts entries in line."""

    tenant_id = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        app_label = "core"

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.seq}"


class AuditCheckpoint(models.Model):
    """A signed statement of what a chain's hash was; also written to a file kept elsewhere."""

    tenant_id = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()
    signed_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        app_label = "core"
        verbose_name = _("audit checkpoint")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant_id", "seq", "key_id"], name="core_audit_checkpoint_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.seq}"
