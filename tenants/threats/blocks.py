"""Keep a subject out for a while: rows in the database, a copy of them in each process."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import threading
import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.audit.actors import network_of
from core.audit.record import act_record
from core.audit.types import Act
from core.db.router import database_alias
from core.errors import NotFound
from core.secrets import keys_derive
from tenants.threats.errors import Blocked
from tenants.threats.models import Block
from tenants.threats.scope import owner_scope
from tenants.threats.types import Blocking, BlockReach, Subject, SubjectKind

FIRST: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=24)
# A block is known to every process after this long.
SNAPSHOT_SECONDS: Final = 2.0
_SNAPSHOT_LIMIT: Final = 10_000
_PURPOSE: Final = b"frontdesk/threat-address/v1"
_snapshots: dict[UUID, tuple[float, dict[str, tuple[BlockReach, datetime]]]] = {}
_lock = threading.Lock()


def address_subject(address: str) -> Subject:
    """Return an address as a subject: a keyed hash of it, of the /64 where it is version 6."""
    found = _parsed(address)
    text = address if found is None else str(found)
    if isinstance(found, ipaddress.IPv6Address):
        text = str(ipaddress.ip_network((found, 64), strict=False))
    digest = hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()[:32]
    return Subject(SubjectKind.ADDRESS, digest, network_of(address))


def address_is_blockable(address: str) -> bool:
    """Return whether an address can be one client's.

    A private one is most likely a proxy of our own that is not configured: to block it would shut
    everybody out.
    """
    found = _parsed(address)
    return found is not None and found.is_global


def block_add(*, subject: Subject, reach: BlockReach, event_id: UUID | None) -> Block:
    """Block a subject of the current tenant: 15 minutes, doubled for each block in the last day.

    Idempotent while one is on, but for a reach that has grown. Recorded in the audit log.
    """
    now = timezone.now()
    with owner_scope() as tenant_id, transaction.atomic(using=database_alias()):
        mine = Block.objects.filter(tenant_id=tenant_id, subject=subject.id)
        earlier = mine.filter(starts_at__gt=now - timedelta(days=1)).count()
        mine.filter(lifted_at=None, ends_at__lte=now).update(lifted_at=now)
        block, is_new = Block.objects.get_or_create(
            tenant_id=tenant_id,
            subject=subject.id,
            lifted_at=None,
            defaults={
                "event_id": event_id,
                "subject_kind": subject.kind.value,
                "network": subject.network,
                "reach": reach.value,
                "ends_at": now + min(FIRST * 2**earlier, LONGEST),
            },
        )
        if not is_new and reach is BlockReach.ALL:
            Block.objects.filter(pk=block.pk).update(reach=reach.value)
        if is_new:
            act_record(act=Act.BLOCK_ADDED, target_kind=subject.kind.value, target_id=subject.id)
    snapshot_forget(tenant_id)
    return block


def block_lift(*, block_id: UUID) -> None:
    """End a block of the current tenant at once. Idempotent. Raises NotFound. Audited."""
    with owner_scope() as tenant_id, transaction.atomic(using=database_alias()):
        block = Block.objects.select_for_update().filter(tenant_id=tenant_id, pk=block_id).first()
        if block is None:
            raise NotFound()
        if block.lifted_at is None:
            block.lifted_at = timezone.now()
            block.save(update_fields=["lifted_at"])
            act_record(
                act=Act.BLOCK_LIFTED, target_kind=block.subject_kind, target_id=block.subject
            )
    snapshot_forget(tenant_id)


def block_check(*, subject: Subject, reach: BlockReach) -> None:
    """Raise Blocked when the subject may not do this here; a block of all covers signing in."""
    found = blocking_for(subject)
    if found and (found.reach is BlockReach.ALL or reach is BlockReach.SIGN_IN):
        raise Blocked(retry_after=found.seconds)


def blocking_for(subject: Subject) -> Blocking | None:
    """Return the block that is on for a subject in the current tenant."""
    with owner_scope() as tenant_id:
        entry = _snapshot(tenant_id).get(subject.id)
    if entry is None:
        return None
    reach, ends_at = entry
    left = (ends_at - timezone.now()).total_seconds()
    return Blocking(reach, max(1, round(left))) if left > 0 else None


def snapshot_forget(tenant_id: UUID) -> None:
    """Read the tenant's blocks anew at the next question."""
    with _lock:
        _snapshots.pop(tenant_id, None)


def _snapshot(tenant_id: UUID) -> dict[str, tuple[BlockReach, datetime]]:
    known = _snapshots.get(tenant_id)
    if known and known[0] > time.monotonic():
        return known[1]
    on = Block.objects.filter(tenant_id=tenant_id, lifted_at=None, ends_at__gt=timezone.now())
    rows = {
        subject: (BlockReach(reach), ends_at)
        for subject, reach, ends_at in on.values_list("subject", "reach", "ends_at")
    }
    with _lock:
        if len(_snapshots) >= _SNAPSHOT_LIMIT:
            _snapshots.clear()
        _snapshots[tenant_id] = (time.monotonic() + SNAPSHOT_SECONDS, rows)
    return rows


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped: ipaddress.IPv4Address | None = getattr(found, "ipv4_mapped", None)
    return mapped or found


@lru_cache(maxsize=1)
def _key() -> bytes:
    return keys_derive(_PURPOSE)[0]
