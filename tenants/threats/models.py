"""Security events, blocks, and where each key has been used from."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.identifiers import uuid7
from tenants.threats.types import BlockReach, Severity, SubjectKind, ThreatKind


def _choices(
    kinds: type[ThreatKind] | type[Severity] | type[SubjectKind] | type[BlockReach],
) -> list[tuple[str, str]]:
    return [(str(kind), str(kind).replace("_", " ")) for kind in kinds]


class SecurityEvent(models.Model):
    """Something that looks like an attack; `count` times within its hour."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    kind = models.CharField(max_length=24, choices=_choices(ThreatKind))
    severity = models.CharField(max_length=8, choices=_choices(Severity))
    subject_kind = models.CharField(max_length=12, choices=_choices(SubjectKind))
    subject = models.CharField(max_length=64)
    network = models.CharField(max_length=64, blank=True)
    window_at = models.DateTimeField()
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        app_label = "tenants"
        verbose_name = _("security event")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant_id", "kind", "subject", "window_at"], name="security_event_once"
            ),
        )
        indexes = (models.Index(fields=["tenant_id", "-last_at"], name="security_event_latest"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject[:8]}"


class Block(models.Model):
    """A subject that is kept out until `ends_at`, or until somebody lifts it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField()
    event = models.ForeignKey(
        SecurityEvent, on_delete=models.CASCADE, null=True, related_name="blocks"
    )
    subject_kind = models.CharField(max_length=12, choices=_choices(SubjectKind))
    subject = models.CharField(max_length=64)
    network = models.CharField(max_length=64, blank=True)
    reach = models.CharField(max_length=8, choices=_choices(BlockReach))
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "tenants"
        verbose_name = _("block")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant_id", "subject"],
                condition=models.Q(lifted_at=None),
                name="block_one_per_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject[:8]}"


class KeyPlace(models.Model):
    """A network that an API key was used from."""

    tenant_id = models.UUIDField()
    key_id = models.UUIDField()
    network = models.CharField(max_length=64)
    first_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "tenants"
        constraints = (
            models.UniqueConstraint(fields=["key_id", "network"], name="key_place_once"),
        )

    def __str__(self) -> str:
        return self.network
