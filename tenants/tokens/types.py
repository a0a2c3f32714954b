"""Values and limits of the tokens; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

ACCESS_LIFETIME = timedelta(hours=1)
FAMILY_LIFETIME = timedelta(days=30)
CLOCK_SKEW = timedelta(seconds=10)
KEY_CACHE = timedelta(seconds=10)
ACCESS_LENGTH_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says; whether it still holds is asked elsewhere."""

    token_id: str
    person_id: UUID
    family_id: UUID
    password_mark: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A new access token and the refresh token that renews it once; neither is stored."""

    access_token: str
    refresh_token: str
    scopes: frozenset[str]
    expires_in: int
    refresh_expires_in: int
