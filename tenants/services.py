"""Writes of the tenants app: workspaces, people, sign-in tickets; keys come from `tenants.keys`."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import redis
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction

from core import directory, tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.db.router import database_alias
from core.errors import RateLimited
from core.events import catalogue, publish
from core.identifiers import uuid7
from core.redis import redis_client
from tenants import errors, selectors
from tenants.accounts import verification
from tenants.admission.limits import limits_faults
from tenants.keys import api_key_create as api_key_create
from tenants.keys import api_key_revoke as api_key_revoke
from tenants.keys import api_key_rotate as api_key_rotate
from tenants.keys import api_key_verify as api_key_verify
from tenants.models import Domain, Membership, Person, Tenant
from tenants.types import Role, SignedUp

SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?!-)){1,38}[a-z0-9]")
RESERVED_SLUGS = frozenset(
    {
        *("admin", "api", "app", "assets", "auth", "billing", "blog", "cdn", "dashboard", "docs"),
        *("frontdesk", "ftp", "help", "internal", "login", "mail", "ns1", "ns2", "platform"),
        *("public", "root", "signup", "smtp", "static", "status", "support", "system", "template"),
        *("test", "www"),
    }
)
TICKET_SECONDS = 120


def slug_check(slug: str, *, allow_reserved: bool = False) -> str:
    """Return the slug if a workspace may have it; raises SlugInvalid, SlugReserved or SlugTaken."""
    if not SLUG.fullmatch(slug):
        raise errors.SlugInvalid()
    if slug in RESERVED_SLUGS and not allow_reserved:
        raise errors.SlugReserved()
    with tenancy.platform_scope():
        if Tenant.objects.filter(slug=slug).exists():
            raise errors.SlugTaken()
    return slug


def tenant_create(
    *,
    name: str,
    slug: str,
    plan: str = "trial",
    is_demo: bool = False,
    allow_reserved: bool = False,
) -> Tenant:
    """Create a workspace: row, host, schema. Publishes TenantCreated.

    All in one transaction of the platform role; the schema is a replay of the template's dump by a
    function with the owner's rights, about a tenth of a second. Raises SlugInvalid, SlugReserved,
    SlugTaken.
    """
    slug_check(slug, allow_reserved=allow_reserved)
    tenant = Tenant(
        id=uuid7(), schema_name=f"t_{slug.replace('-', '_')}", name=name, slug=slug, plan=plan
    )
    tenant.is_demo = is_demo
    try:
        _tenant_store(tenant)
    except IntegrityError as error:
        raise errors.SlugTaken() from error
    directory.cache_forget()
    return tenant


def _tenant_store(tenant: Tenant) -> None:
    with tenancy.platform_scope(tenant.context), transaction.atomic(using="platform"):
        tenant.save(force_insert=True)
        host = f"{tenant.slug}.{settings.BASE_DOMAIN}"
        Domain.objects.create(domain=host, tenant=tenant, is_primary=True)
        with connections["platform"].cursor() as cursor:
            cursor.execute("SELECT tenant_schema_create(%s)", (str(tenant.pk),))
        publish(catalogue.TenantCreated(tenant_id=tenant.pk, plan=tenant.plan))
        act_record(act=Act.WORKSPACE_CREATED, data={"plan": tenant.plan})


def workspace_sign_up(*, name: str, slug: str, email: str, password: str) -> SignedUp:
    """Create a workspace and its owner, and a link that signs the owner in once.

    Someone who already has an account proves it with its password. Raises SlugInvalid,
    SlugReserved, SlugTaken, EmailTaken, PasswordWeak; nothing is created then.
    """
    slug_check(slug)
    person = _person_for_sign_up(email=email, password=password)
    tenant = tenant_create(name=name, slug=slug)
    with tenancy.tenant_scope(tenant.context):
        member_add(person=person, role=Role.OWNER)
        with suppress(RateLimited):  # enough links are on their way; the workspace stands
            verification.verification_request(person=person)
        ticket = login_ticket_create(person_id=person.pk)
    url = f"{selectors.tenant_base_url(slug)}/login/ticket/{ticket}/"
    return SignedUp(tenant_id=tenant.pk, person_id=person.pk, slug=slug, login_url=url)


def _person_for_sign_up(*, email: str, password: str) -> Person:
    known = selectors.person_by_email(email)
    if known is None:
        return person_create(email=email, password=password)
    if not known.check_password(password):
        raise errors.EmailTaken()
    return known


def person_create(
    *, email: str, password: str, full_name: str = "", is_verified: bool = False, **flags: bool
) -> Person:
    """Create an account, its address unverified unless told; raises PasswordWeak or EmailTaken."""
    person = Person(email=email, full_name=full_name)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise errors.PasswordWeak(" ".join(error.messages)) from error
    try:
        with transaction.atomic():
            person = Person.objects.create_user(email, password, full_name=full_name, **flags)
            EmailAddress.objects.create(
                user=person, email=person.email, primary=True, verified=is_verified
            )
            return person
    except IntegrityError as error:
        raise errors.EmailTaken() from error


@transaction.atomic
def member_add(*, person: Person, role: Role) -> Membership:
    """Give a person a role in the current tenant, replacing an earlier. Publishes PersonJoined."""
    tenant = tenancy.require()
    membership, created = Membership.objects.update_or_create(
        tenant_id=tenant.id, person=person, defaults={"role": role.value}
    )
    if created:
        publish(catalogue.PersonJoined(person_id=person.pk, role=role.value))
        act_record(
            act=Act.MEMBER_ADDED,
            target_kind="person",
            target_id=person.pk,
            data={"role": role.value},
        )
    return membership


def tenant_limits_set(
    *, tenant_id: UUID, limits: Mapping[str, int], plan: str | None = None
) -> None:
    """Push a plan's limits down to where the hot path reads them. Idempotent.

    They hold here from the commit on and in other processes within ten seconds. Raises
    LimitsInvalid for a name that is no limit and for what is no whole number.
    """
    faults = limits_faults(limits)
    if faults:
        raise errors.LimitsInvalid(" ".join(faults))
    changes: dict[str, object] = {"limits": dict(limits), **({"plan": plan} if plan else {})}
    with transaction.atomic(using=database_alias()):
        if Tenant.objects.filter(pk=tenant_id).exclude(**changes).update(**changes):
            act_record(act=Act.WORKSPACE_LIMITS_SET, data=dict(limits), tenant_id=tenant_id)
    directory.cache_forget()
    transaction.on_commit(directory.cache_forget)


def _hash(secret: str) -> str:
    """Return the stored form: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def login_ticket_create(*, person_id: UUID) -> str:
    """Return a one-time sign-in ticket for the current tenant, valid for two minutes."""
    ticket = secrets.token_urlsafe(32)
    body = json.dumps({"person_id": str(person_id)})
    redis_client().set(tenancy.tenant_key("ticket", _hash(ticket)), body, ex=TICKET_SECONDS)
    return ticket


def login_ticket_consume(*, ticket: str) -> Person:
    """Return whom the ticket signs in and use it up; raises TicketInvalid."""
    stored = _ticket_take(redis_client(), tenancy.tenant_key("ticket", _hash(ticket)))
    person = selectors.person_get(UUID(json.loads(stored)["person_id"])) if stored else None
    if person is None:
        raise errors.TicketInvalid()
    return person


def _ticket_take(client: redis.Redis, key: str) -> bytes | None:
    taken = client.getdel(key)
    return taken if isinstance(taken, bytes) else None
