"""Tenants and people: rows of the shared schema, confined to their tenant by row-level security."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from core.identifiers import uuid7
from core.tenancy import TenantContext
from tenants.accounts.models import Invitation as Invitation
from tenants.accounts.models import PersonSession as PersonSession
from tenants.admission.limits import limits_faults
from tenants.flags.models import Exposure as Exposure
from tenants.flags.models import Flag as Flag
from tenants.flags.models import FlagChange as FlagChange
from tenants.flags.models import FlagOverride as FlagOverride
from tenants.flags.models import Outcome as Outcome
from tenants.preferences.models import SettingChange as SettingChange
from tenants.preferences.models import WorkspaceSetting as WorkspaceSetting
from tenants.switches.models import DegradeSwitch as DegradeSwitch
from tenants.threats.models import Block as Block
from tenants.threats.models import KeyPlace as KeyPlace
from tenants.threats.models import SecurityEvent as SecurityEvent
from tenants.tokens.models import RefreshToken as RefreshToken
from tenants.tokens.models import SigningKey as SigningKey
from tenants.tokens.models import TokenFamily as TokenFamily
from tenants.types import REQUESTS_PER_MINUTE_LIMIT, ROLE_SCOPES, KeyState, Role, TenantStatus

SESSION_SALT = "tenants.models.Person.session"


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants ships no types
    """A business and its workspace; its data live in the schema `schema_name`."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=40, unique=True)
    status = models.CharField(
        max_length=12,
        choices=[(status.value, status.value) for status in TenantStatus],
        default=TenantStatus.ACTIVE.value,
    )
    is_demo = models.BooleanField(default=False)
    plan = models.CharField(max_length=40, default="trial")
    limits = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("tenant")

    def __str__(self) -> str:
        return self.name

    @property
    def context(self) -> TenantContext:
        return TenantContext(id=self.id, schema=self.schema_name, slug=self.slug)

    def clean(self) -> None:
        faults = limits_faults(self.limits)
        if faults:
            raise ValidationError({"limits": faults})


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants ships no types
    """A host name that leads to a tenant."""

    class Meta:
        verbose_name = _("domain")


class PersonManager(BaseUserManager["Person"]):
    """Create people by e-mail address, compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email=(username or "").lower())


class Person(AbstractBaseUser, PermissionsMixin):
    """Someone who signs in: a member of one or more tenants, or a platform administrator."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Raised by signing out everywhere; sessions and tokens of an earlier one end with it.
    credentials_version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PersonManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []  # type: ignore[misc]  # a class attribute on the base

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="person_email_lower")]

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session must hold to count; Django's own hash knows the password alone."""
        if not self.credentials_version:
            return str(super()._get_session_auth_hash(secret=secret))  # type: ignore[misc]  # untyped
        what = f"{self.password}:{self.credentials_version}"
        return salted_hmac(SESSION_SALT, what, secret=secret, algorithm="sha256").hexdigest()

    @property
    def display_name(self) -> str:
        return self.full_name or self.email.partition("@")[0]


class Membership(models.Model):
    """A person's role in a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "person"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.role}"

    @property
    def scopes(self) -> frozenset[str]:
        return ROLE_SCOPES[Role(self.role)]


class ApiKey(models.Model):
    """A machine's credential; only a hash of the secret is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.UUIDField(null=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaces"
    )

    class Meta:
        verbose_name = _("API key")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="api_key_by_tenant")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(requests_per_minute=None)
                | models.Q(requests_per_minute__range=(1, REQUESTS_PER_MINUTE_LIMIT)),
                name="api_key_requests_per_minute",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> KeyState:
        """Return how the key stands now; `replaced` still works until `expires_at`."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return KeyState.EXPIRED
        return KeyState.REPLACED if self.replaced_by_id else KeyState.ACTIVE
