"""Flags of the platform, what workspaces chose, every change, and what experiments saw."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from waffle.models import AbstractBaseFlag

from core.identifiers import uuid7


class Flag(AbstractBaseFlag):
    """A flag as the platform has switched it; waffle's tags, decorators and functions read it.

    waffle decides by user, language and a cookie's dice; here a subject's hash decides, so those
    fields are gone. `get` reads what the process remembers instead of waffle's cache, whose keys
    know no tenant. The application role reads the table, the platform role writes it.
    """

    testing = None  # type: ignore[assignment]  # takes waffle's field away
    superusers = None  # type: ignore[assignment]
    staff = None  # type: ignore[assignment]
    authenticated = None  # type: ignore[assignment]
    languages = None  # type: ignore[assignment]
    rollout = None  # type: ignore[assignment]
    everyone = models.BooleanField(
        _("everyone"),
        null=True,
        blank=True,
        help_text=_(
            "No turns it off everywhere at once, also where a workspace has it on. "
            "Yes turns it on where no workspace has it off."
        ),
    )
    percent = models.DecimalField(
        _("percent"),
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Of subjects, while everyone is unknown; whoever has it keeps it as it grows."),
    )
    is_open = models.BooleanField(
        _("open to workspaces"),
        default=False,
        help_text=_("Workspaces may switch it for themselves."),
    )
    variants = models.JSONField(
        _("weights"),
        default=dict,
        blank=True,
        help_text=_('Of an experiment\'s variants, such as {"control": 1, "question": 1}.'),
    )

    class Meta(AbstractBaseFlag.Meta):
        abstract = False
        verbose_name = _("flag")
        verbose_name_plural = _("flags")

    @classmethod
    def get(cls, name: str) -> Flag:
        """Return a flag that can be asked; nothing is read until it is."""
        return cls(name=name)

    def is_active(self, request: HttpRequest, read_only: bool = False) -> bool:
        """Return whether the flag is on for the request's workspace."""
        from tenants.flags.evaluation import is_on

        return is_on(self.name)

    def flush(self) -> None:
        """Do nothing: `flags.services` makes the processes load again, waffle's cache is unused."""


class FlagOverride(models.Model):
    """A flag on or off in one workspace; what the platform set there only the platform changes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("workspace"),
    )
    flag = models.CharField(_("flag"), max_length=100)
    is_on = models.BooleanField(_("on"))
    is_platforms = models.BooleanField(_("set by the platform"), default=False)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("flag of a workspace")
        verbose_name_plural = _("flags of workspaces")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "flag"], name="flag_override_once")
        ]

    def __str__(self) -> str:
        return self.flag


class FlagChange(models.Model):
    """One change, never altered; without a tenant it is the platform's flag that was changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        verbose_name=_("workspace"),
    )
    flag = models.CharField(_("flag"), max_length=100)
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    changed_by = models.UUIDField(null=True)
    actor = models.CharField(_("by"), max_length=200)

    class Meta:
        verbose_name = _("flag change")
        indexes = [models.Index(fields=["flag", "-changed_at"], name="flag_change_by_time")]

    def __str__(self) -> str:
        return self.flag


class Exposure(models.Model):
    """A subject of a workspace has seen a variant; never altered, once for each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    experiment = models.CharField(max_length=100)
    subject = models.CharField(max_length=64)
    variant = models.CharField(max_length=40)
    exposed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "experiment", "subject", "variant"], name="exposure_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.experiment} {self.variant}"


class Outcome(models.Model):
    """A subject who was exposed did what the experiment counts; never altered, once for each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    experiment = models.CharField(max_length=100)
    subject = models.CharField(max_length=64)
    goal = models.CharField(max_length=40)
    reached_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "experiment", "subject", "goal"], name="outcome_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.experiment} {self.goal}"


def described(row: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return a row's fields as its history keeps them."""
    found = {field: getattr(row, field) for field in fields}
    return {k: float(v) if k == "percent" and v is not None else v for k, v in found.items()}
