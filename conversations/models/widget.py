"""The chat on a customer's pages."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.preferences import ACCENT
from core.identifiers import uuid7


def widget_key_new() -> str:
    return f"wk_{secrets.token_urlsafe(18)}"


class WidgetInstallation(models.Model):
    """The widget a tenant embeds: its public key, where it may appear and how it looks."""

    ACCENT: ClassVar[str] = ACCENT

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=40, unique=True, default=widget_key_new)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    title = models.CharField(max_length=80, blank=True)
    greeting = models.CharField(max_length=300, blank=True)
    accent = models.CharField(max_length=7, default=ACCENT)
    suggestions = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    theme = models.CharField(max_length=5, default="auto", db_default="auto")
    form = models.JSONField(default=list, db_default=[], blank=True)
    asks_rating = models.BooleanField(default=True, db_default=True)
    requires_identity = models.BooleanField(default=False, db_default=False)
    identity_sealed = models.BinaryField(null=True, blank=True)
    identity_changed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("widget")

    def __str__(self) -> str:
        return self.key
