"""Roles, scopes and small values of the tenants app; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

SCOPES = (
    "conversations:read",
    "conversations:write",
    "knowledge:read",
    "knowledge:write",
    "workflows:read",
    "workflows:write",
    "routing:read",
    "billing:read",
    "analytics:read",
    "commerce:read",
    "commerce:write",
    "team:read",
    "team:write",
    "settings:read",
    "settings:write",
    "audit:read",
)
_READ = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_AGENT = frozenset(
    {
        "conversations:read",
        "conversations:write",
        "knowledge:read",
        "workflows:read",
        "routing:read",
        "analytics:read",
        "commerce:read",
        "team:read",
    }
)


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


ROLE_SCOPES: dict[Role, frozenset[str]] = {
    Role.OWNER: frozenset(SCOPES),
    Role.ADMIN: frozenset(SCOPES),
    Role.AGENT: _AGENT,
    Role.VIEWER: _READ - {"billing:read", "settings:read", "audit:read"},
}


REQUESTS_PER_MINUTE_LIMIT = 100_000
# As long as a workspace may let a sign-in last.
SESSION_DAYS_LIMIT = 90


class KeyState(StrEnum):
    """How an API key stands; `active` and `replaced` ones work."""

    ACTIVE = "active"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REVOKED = "revoked"


class InvitationState(StrEnum):
    """How an invitation stands; only an open one lets someone in."""

    OPEN = "open"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class ApiKeySecret:
    """A new key: `secret` is shown once and never stored."""

    id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, as its history tells it; an API key is no person."""

    label: str
    person_id: UUID | None = None
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A new workspace, ready to use; `login_url` signs its owner in once."""

    tenant_id: UUID
    person_id: UUID
    slug: str
    login_url: str
