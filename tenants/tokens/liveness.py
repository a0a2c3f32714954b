"""Whether a token family still holds: remembered in Redis, decided by the database.

Redis says "live" for fifteen seconds or "revoked" for longer than any access token lasts. What it
does not know, and everything while it is gone, is read from the database, so that losing Redis
never brings a revoked token back. A family in neither place holds nothing.
"""

from __future__ import annotations

from uuid import UUID

import redis
import structlog
from django.utils import timezone

from core import tenancy
from core.redis import redis_client
from tenants.tokens.models import TokenFamily
from tenants.tokens.types import ACCESS_LIFETIME, CLOCK_SKEW

LIVE, REVOKED = b"1", b"0"
LIVE_SECONDS = 15
REVOKED_SECONDS = int((ACCESS_LIFETIME + CLOCK_SKEW).total_seconds()) + 60

log = structlog.get_logger(__name__)


def family_is_live(family_id: UUID) -> bool:
    """Return whether the current tenant's family is neither revoked nor over."""
    try:
        known = redis_client().get(_key(family_id))
    except redis.RedisError:
        return _stored(family_id)
    if known in (LIVE, REVOKED):
        return known == LIVE
    is_live = _stored(family_id)
    if is_live:
        _live_remember(family_id)
    return is_live


def family_revoked_remember(family_id: UUID) -> None:
    """Tell every process that the family is over; called after that is committed."""
    try:
        redis_client().set(_key(family_id), REVOKED, ex=REVOKED_SECONDS)
    except redis.RedisError:
        log.warning("token_revocation_not_cached", family=str(family_id))


def _live_remember(family_id: UUID) -> None:
    """Never overwrite: the family may have been revoked since it was read."""
    try:
        redis_client().set(_key(family_id), LIVE, ex=LIVE_SECONDS, nx=True)
    except redis.RedisError:
        log.warning("token_liveness_not_cached", family=str(family_id))


def _stored(family_id: UUID) -> bool:
    mine = TokenFamily.objects.filter(tenant_id=tenancy.require().id, pk=family_id)
    return mine.filter(revoked_at=None, expires_at__gt=timezone.now()).exists()


def _key(family_id: UUID) -> str:
    return tenancy.tenant_key("token-family", family_id.hex)
