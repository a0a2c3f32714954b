"""Write an act into the chain of the workspace it concerns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog
from django.db import connections

from core import tenancy
from core.audit.actors import actor_current
from core.audit.types import PLATFORM_CHAIN, Act, Actor
from core.db.router import database_alias

Fact = str | int | float | bool | None | list[str]
_APPEND: Final = "SELECT audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_LENGTH: Final = 64


def act_record(
    *,
    act: Act,
    target_kind: str = "",
    target_id: object = "",
    data: Mapping[str, Fact] | None = None,
    actor: Actor | None = None,
    tenant_id: UUID | None = None,
) -> int:
    """Append an act to the current tenant's chain and return its number there.

    In the caller's transaction, so that the act and its entry stand or fall together. Locks the
    chain's head until that transaction ends: record last, after every other lock is taken. The
    platform role may name another `tenant_id`, and without any writes the platform's own chain.
    `data` holds ids, names of fields and numbers, never what a person wrote. Not idempotent.
    """
    who = actor or actor_current()
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    values = (
        str(tenant_id or _chain()),
        act.value,
        who.kind.value,
        who.id,
        who.network,
        request_id[:_LENGTH],
        target_kind,
        str(target_id)[:_LENGTH],
        json.dumps(data or {}, sort_keys=True, separators=(",", ":")),
    )
    with connections[database_alias()].cursor() as cursor:
        cursor.execute(_APPEND, values)
        return int(cursor.fetchone()[0])


def _chain() -> UUID:
    tenant = tenancy.current()
    return tenant.id if tenant else PLATFORM_CHAIN
