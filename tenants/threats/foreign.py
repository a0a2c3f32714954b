"""A genuine API key on another workspace's host: whoever owns it should know."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connections

from core import directory, tenancy
from core.audit.actors import network_of
from core.db.router import database_alias
from tenants import keys
from tenants.threats import detect
from tenants.threats.events import threat_note
from tenants.threats.types import Subject, SubjectKind, ThreatKind

_OWNER: Final = "SELECT tenant_id, key_id FROM api_key_owner(%s, %s)"


def foreign_key_note(*, secret: str, address: str) -> None:
    """Note a refused key in both workspaces when it is another one's; do nothing for others.

    The owner is asked by prefix and hash of the secret, so nobody learns of a key they do not hold.
    """
    owner = _owner(secret)
    if owner is None or owner[0] == tenancy.require().id:
        return
    tenant_id, key_id = owner
    detect.foreign_credential_seen(address=address)
    tenant = directory.tenant_by_id(tenant_id)
    if tenant is not None:
        with tenancy.tenant_scope(tenant):
            subject = Subject(SubjectKind.API_KEY, str(key_id), network_of(address))
            threat_note(kind=ThreatKind.CROSS_TENANT, subject=subject)


def _owner(secret: str) -> tuple[UUID, UUID] | None:
    match = keys.KEY_PATTERN.fullmatch(secret)
    if match is None:
        return None
    hashed = keys.secret_digest(match[2] + (match[3] or ""))
    with connections[database_alias()].cursor() as cursor:
        cursor.execute(_OWNER, (match[1], hashed))
        found: tuple[UUID, UUID] | None = cursor.fetchone()
    return found
