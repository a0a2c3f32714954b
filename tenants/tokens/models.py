"""Signing keys of the platform, and the families of refresh tokens of each tenant."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.identifiers import uuid7


class SigningKey(models.Model):
    """An RSA key of the platform; the newest without `retired_at` signs, the others verify.

    The application role may read the public columns alone; the platform role signs and rotates.
    """

    kid = models.CharField(primary_key=True, max_length=43)
    public_jwk = models.JSONField()
    private_sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retired_at"], name="signing_key_one_current", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.kid


class TokenFamily(models.Model):
    """One sign-in by password and every token that descends from it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey("tenants.Person", on_delete=models.CASCADE, related_name="+")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    password_mark = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "person"], name="token_family_by_person")]

    def __str__(self) -> str:
        return str(self.pk)


class RefreshToken(models.Model):
    """A single-use token of a family; only its hash is kept, used ones to notice a second use."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family"], condition=Q(used_at=None), name="refresh_token_one_unused"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
