"""Reads of the tenants app."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from core import directory, tenancy
from core.tenancy import TenantContext
from tenants.models import (
    ApiKey,
    Block,
    Invitation,
    Membership,
    Person,
    SecurityEvent,
    Tenant,
)

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "[::1]"})


def tenant_for_host(host: str) -> TenantContext | None:
    """Return the active tenant of a Host header (port allowed), or None."""
    return directory.tenant_by_host(host_name(host))


def host_name(host: str) -> str:
    """Return the lower-case name of a Host header, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def host_is_platform(host: str) -> bool:
    name = host_name(host)
    return name == settings.BASE_DOMAIN or name in LOOPBACK_HOSTS


def tenant_current() -> Tenant:
    """Return the row of the current tenant."""
    found: Tenant = Tenant.objects.get(pk=tenancy.require().id)
    return found


def tenant_base_url(slug: str) -> str:
    """Return the workspace's address, such as http://acme.localhost:8000."""
    scheme, _, rest = settings.PUBLIC_BASE_URL.partition("://")
    _, colon, port = rest.rstrip("/").partition(":")
    return f"{scheme}://{slug}.{settings.BASE_DOMAIN}{colon}{port}"


def realtime_url(host: str) -> str:
    """Return the address of the sockets for a host name."""
    return str(settings.REALTIME_URL).format(host=host_name(host))


def realtime_http_url(host: str) -> str:
    """Return the address of the realtime process by HTTP for a host name."""
    return "http" + realtime_url(host).removeprefix("ws")


def person_by_email(email: str) -> Person | None:
    return Person.objects.filter(email=email.strip().lower()).first()


def person_get(person_id: UUID) -> Person | None:
    """Return a member of the current tenant by id, or None for anyone else."""
    membership = membership_for(person_id=person_id)
    return membership.person if membership else None


def membership_for(*, person_id: UUID) -> Membership | None:
    """Return the person's membership in the current tenant."""
    verified = EmailAddress.objects.filter(
        user_id=OuterRef("person_id"), primary=True, verified=True
    )
    mine = Membership.objects.select_related("person", "tenant").filter(
        tenant_id=tenancy.require().id
    )
    mine = mine.annotate(has_verified_email=Exists(verified))
    return mine.filter(person_id=person_id, person__is_active=True).first()


def person_may_enter(person: Any) -> bool:
    """Return whether someone may be signed in on this host: members, or administrators."""
    if not isinstance(person, Person) or not person.is_active:
        return False
    if tenancy.current() is None:
        return person.is_staff
    return membership_for(person_id=person.pk) is not None


def passkey_count(*, person_id: UUID) -> int:
    """Return how many passkeys a person has, on whichever hosts."""
    mine = Authenticator.objects.filter(user_id=person_id, type=Authenticator.Type.WEBAUTHN)
    return int(mine.count())


def membership_list() -> QuerySet[Membership]:
    """Return the current tenant's team, oldest first."""
    mine = Membership.objects.select_related("person").filter(tenant_id=tenancy.require().id)
    return mine.order_by("created_at")


def invitation_list() -> QuerySet[Invitation]:
    """Return the current tenant's invitations of whatever state, newest first."""
    return Invitation.objects.filter(tenant_id=tenancy.require().id).order_by("-created_at")


def invitations_open() -> QuerySet[Invitation]:
    """Return those that are neither accepted nor revoked; expired ones can be sent again."""
    return invitation_list().filter(accepted_at=None, revoked_at=None)


def api_key_list() -> QuerySet[ApiKey]:
    """Return the current tenant's keys, newest first."""
    return ApiKey.objects.filter(tenant_id=tenancy.require().id).order_by("-created_at")


def workspaces_for(*, person_id: UUID) -> list[Tenant]:
    """Return the tenants a person belongs to; enters the platform scope for it."""
    with tenancy.platform_scope():
        return list(
            Tenant.objects.filter(memberships__person_id=person_id, status="active").order_by(
                "name"
            )
        )


def security_event_list() -> QuerySet[SecurityEvent]:
    """Return the current tenant's security events, the latest first."""
    mine = SecurityEvent.objects.filter(tenant_id=tenancy.require().id)
    return mine.order_by("-last_at", "-id")


def block_list() -> QuerySet[Block]:
    """Return the blocks that are on in the current tenant, the newest first."""
    mine = Block.objects.filter(tenant_id=tenancy.require().id, lifted_at=None)
    return mine.filter(ends_at__gt=timezone.now()).order_by("-starts_at")
