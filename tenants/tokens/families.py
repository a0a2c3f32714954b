"""Token families: begun by a password, renewed by single-use refresh tokens, ended for good.

A refresh token used twice was copied, so its family ends: there is no grace. Whoever shares one
among tabs or workers must refresh in one place.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act, Actor
from core.events import catalogue, publish
from tenants import errors, selectors
from tenants.models import Membership, Person
from tenants.tokens import access, liveness
from tenants.tokens.errors import RefreshTokenInvalid
from tenants.tokens.models import RefreshToken, TokenFamily
from tenants.tokens.types import ACCESS_LIFETIME, FAMILY_LIFETIME, TokenPair

PREFIX = "fdr_"
REFRESH = re.compile(r"fdr_[A-Za-z0-9_-]{43}")


def token_family_begin(
    *, membership: Membership, scopes: Collection[str] = (), actor: Actor | None = None
) -> TokenPair:
    """Start a family for a member of the current tenant and return its first pair.

    Without `scopes` the tokens may do all the role may, now and later. Raises ScopeMissing for a
    scope the role does not include, SigningKeyUnreadable.
    """
    missing = sorted(set(scopes) - membership.scopes)
    if missing:
        raise errors.ScopeMissing(scope=missing[0])
    with transaction.atomic():
        _over_forget(membership)
        family = TokenFamily.objects.create(
            tenant_id=tenancy.require().id,
            person=membership.person,
            scopes=sorted(set(scopes) or membership.scopes),
            password_mark=password_mark(membership.person),
            expires_at=timezone.now() + FAMILY_LIFETIME,
        )
        pair = _pair(family, membership)
        act_record(
            act=Act.TOKEN_ISSUED, target_kind="token_family", target_id=family.pk, actor=actor
        )
    return pair


def token_family_refresh(*, refresh_token: str) -> TokenPair:
    """Use a refresh token up and return the next pair. Raises RefreshTokenInvalid.

    Locks the family: of any number of concurrent calls with one token the first gets a pair, and
    the next revokes the family, that pair included. So does a token whose person is no member any
    more or has a new password. Publishes TokenReuseDetected.
    """
    with transaction.atomic():
        token = _token_locked(refresh_token)
        pair = _renewed(token) if token else None
    if token is not None and pair is None:
        liveness.family_revoked_remember(token.family_id)
    if pair is None:
        raise RefreshTokenInvalid()
    return pair


def token_family_revoke(*, refresh_token: str) -> None:
    """End a refresh token's family, access tokens included. Idempotent; unknown ones are fine."""
    with transaction.atomic():
        token = _token_locked(refresh_token)
        if token is not None:
            _family_end(token.family)
            act_record(act=Act.TOKEN_REVOKED, target_kind="token_family", target_id=token.family_id)
    if token is not None:
        liveness.family_revoked_remember(token.family_id)


def token_families_end(*, person_id: UUID) -> None:
    """End every family of a person in the current tenant, access tokens included. Idempotent."""
    tenant = tenancy.require()
    live = TokenFamily.objects.filter(tenant_id=tenant.id, person_id=person_id, revoked_at=None)
    ended = list(live.values_list("pk", flat=True))
    live.update(revoked_at=timezone.now())

    def remember() -> None:
        with tenancy.tenant_scope(tenant):
            for family_id in ended:
                liveness.family_revoked_remember(family_id)

    transaction.on_commit(remember)


def password_mark(person: Person) -> str:
    """Return what changes with the password and by signing out everywhere; tokens end with it."""
    version = f":{person.credentials_version}" if person.credentials_version else ""
    what = f"{person.password}{version}"
    mark = salted_hmac("tenants.tokens.password", what, algorithm="sha256")
    return mark.hexdigest()[:32]


def _over_forget(membership: Membership) -> None:
    """Delete the person's families of the past, so that nobody's grow without end."""
    mine = TokenFamily.objects.filter(tenant_id=tenancy.require().id, person=membership.person)
    mine.filter(expires_at__lt=timezone.now() - ACCESS_LIFETIME).delete()


def _token_locked(refresh_token: str) -> RefreshToken | None:
    """Return the current tenant's token, holding its family's row."""
    if not REFRESH.fullmatch(refresh_token):
        return None
    mine = RefreshToken.objects.filter(tenant_id=tenancy.require().id)
    found = mine.filter(token_hash=_hash(refresh_token))
    family_id = found.values_list("family_id", flat=True).first()
    if family_id is None:
        return None
    TokenFamily.objects.select_for_update().get(pk=family_id)
    return found.select_related("family").first()


def _renewed(token: RefreshToken) -> TokenPair | None:
    """Return the next pair, or None after ending the family."""
    family, now = token.family, timezone.now()
    membership = selectors.membership_for(person_id=family.person_id)
    if token.used_at is not None and family.revoked_at is None:
        publish(catalogue.TokenReuseDetected(family_id=family.pk, person_id=family.person_id))
        act_record(act=Act.TOKEN_REUSED, target_kind="token_family", target_id=family.pk)
    if token.used_at or not _is_valid(family, membership, now) or membership is None:
        _family_end(family)
        return None
    token.used_at = now
    token.save(update_fields=["used_at"])
    return _pair(family, membership)


def _is_valid(family: TokenFamily, membership: Membership | None, now: datetime) -> bool:
    if membership is None or family.revoked_at is not None or family.expires_at <= now:
        return False
    return constant_time_compare(family.password_mark, password_mark(membership.person))


def _family_end(family: TokenFamily) -> None:
    TokenFamily.objects.filter(pk=family.pk, revoked_at=None).update(revoked_at=timezone.now())


def _pair(family: TokenFamily, membership: Membership) -> TokenPair:
    scopes = frozenset(family.scopes) & membership.scopes
    refresh_token = PREFIX + secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        tenant_id=family.tenant_id, family=family, token_hash=_hash(refresh_token)
    )
    return TokenPair(
        access_token=_access(family, membership.person_id, scopes),
        refresh_token=refresh_token,
        scopes=scopes,
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        refresh_expires_in=int((family.expires_at - timezone.now()).total_seconds()),
    )


def _access(family: TokenFamily, person_id: UUID, scopes: frozenset[str]) -> str:
    return access.access_token_issue(
        person_id=person_id,
        family_id=family.pk,
        password_mark=family.password_mark,
        scopes=scopes,
    )


def _hash(token: str) -> str:
    """Return the stored form: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
