"""Invitations to a workspace, and where its people are signed in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from core.identifiers import uuid7
from tenants.types import InvitationState, Role


class PersonSession(models.Model):
    """A browser in which someone is signed in to a workspace, as its owner sees it.

    The session itself is Django's. `password_mark` tells whether it still counts: a new password
    and signing out everywhere change the person's.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey("tenants.Person", on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    password_mark = models.CharField(max_length=32)
    device = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["tenant", "person"], name="session_by_person")]

    def __str__(self) -> str:
        return str(self.pk)


class Invitation(models.Model):
    """A role in a workspace, offered to an e-mail address; only a hash of its link is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    # Set when the mail is sent, and anew each time: the link in the newest mail is the one.
    token_hash = models.CharField(max_length=64, blank=True, default="")
    invited_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="invitation_by_tenant")]
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="invitation_by_token"
            ),
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_one_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> InvitationState:
        """Return how the invitation stands now."""
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        if self.revoked_at is not None:
            return InvitationState.REVOKED
        is_over = self.expires_at <= timezone.now()
        return InvitationState.EXPIRED if is_over else InvitationState.OPEN
