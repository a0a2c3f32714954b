"""What a bearer of an access token may do here and now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.crypto import constant_time_compare

from tenants import selectors
from tenants.models import Membership
from tenants.tokens import access, families, liveness
from tenants.tokens.errors import TokenInvalid


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """The `request.auth` of a person's token: role and scopes as they are at this request."""

    membership: Membership
    family_id: UUID
    scopes: frozenset[str]
    expires_at: datetime
    requests_per_minute: int | None = None


def access_grant(*, token: str) -> AccessGrant:
    """Return what a token of the current tenant still grants. Raises TokenInvalid, TokenExpired.

    Membership and role are read anew, so removal, another role or another password count at once.
    """
    claims = access.access_token_read(token=token)
    membership = selectors.membership_for(person_id=claims.person_id)
    if membership is None:
        raise TokenInvalid()
    mark = families.password_mark(membership.person)
    if not constant_time_compare(claims.password_mark, mark):
        raise TokenInvalid()
    if not liveness.family_is_live(claims.family_id):
        raise TokenInvalid()
    return AccessGrant(
        membership=membership,
        family_id=claims.family_id,
        scopes=claims.scopes & membership.scopes,
        expires_at=claims.expires_at,
    )
