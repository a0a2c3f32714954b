"""What the audit log's tests share: chains that are committed, and a superuser who tampers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act, Actor, ActorKind, Finding
from core.audit.verify import audit_verify
from core.identifiers import uuid7
from core.tenancy import TenantContext
from tests import services

PERSON = Actor(ActorKind.PERSON, uuid7(), "192.0.2.0/24")


def chain_write(tenant: TenantContext, entries: int) -> None:
    """Append entries to a tenant's chain, each committed by itself."""
    with tenancy.tenant_scope(tenant):
        for number in range(entries):
            act_record(act=Act.KEY_CREATED, target_kind="api_key", data={"n": number}, actor=PERSON)


@contextmanager
def superuser() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect as somebody who can change anything, as an attacker on the server could."""
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(services.SUPERUSER, dbname=name, autocommit=True) as connection:
        yield connection


def findings() -> list[tuple[str, int, int]]:
    """Return what a verification finds, without the chains' ids."""
    return [(f.kind.value, f.first, f.last) for f in found()]


def found() -> list[Finding]:
    return audit_verify().distinct


# Every hash of a chain computed anew, and its head with it: what a thorough forger does.
RESTAMP = """
DO $$
DECLARE entry core_auditentry; previous bytea;
BEGIN
    FOR entry IN SELECT * FROM core_auditentry WHERE tenant_id = '{tenant}' ORDER BY seq LOOP
        previous := sha256(coalesce(previous, audit_genesis(entry.tenant_id))
            || audit_field(uuid_send(entry.tenant_id)) || audit_field(int8send(entry.seq))
            || audit_field(timestamptz_send(entry.occurred_at))
            || audit_field(textsend(entry.act)) || audit_field(textsend(entry.actor_kind))
            || audit_field(uuid_send(entry.actor_id)) || audit_field(textsend(entry.network))
            || audit_field(textsend(entry.request_id))
            || audit_field(textsend(entry.target_kind))
            || audit_field(textsend(entry.target_id)) || audit_field(textsend(entry.data)));
        UPDATE core_auditentry SET hash = previous WHERE id = entry.id;
    END LOOP;
    UPDATE core_audithead SET hash = previous WHERE tenant_id = '{tenant}';
END $$
"""
