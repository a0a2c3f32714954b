"""Verify the audit log: every chain against itself, its head and the signed checkpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import psycopg
from django.db import connections
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo

from core.audit import checkpoints
from core.audit.chain import Connection, chain_walk
from core.audit.diagnosis import walk_findings
from core.audit.types import Attested, Finding, FindingKind

_HEADS: Final = "SELECT tenant_id, seq, hash FROM public.core_audithead"
_CHECKPOINTS: Final = """
SELECT tenant_id, seq, hash, signed_at, key_id, signature FROM public.core_auditcheckpoint
"""
# Every chain that has entries, by hopping through the index from one to the next.
_CHAINS: Final = """
WITH RECURSIVE chain AS (
    (SELECT tenant_id FROM public.core_auditentry ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM public.core_auditentry entry
            WHERE entry.tenant_id > chain.tenant_id ORDER BY tenant_id LIMIT 1)
    FROM chain WHERE chain.tenant_id IS NOT NULL
) SELECT tenant_id FROM chain WHERE tenant_id IS NOT NULL
"""
_HASHES: Final = """
SELECT seq, hash FROM public.core_auditentry WHERE tenant_id = %s AND seq = ANY(%s)
"""
_NEWEST: Final = 2**62


@dataclass(slots=True)
class Verification:
    """What was verified and every difference found."""

    chains: int = 0
    entries: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def distinct(self) -> list[Finding]:
        """Return the findings once each, by chain and number: head and checkpoint may agree."""
        return sorted(set(self.findings))


@dataclass(slots=True)
class _Evidence:
    """What must agree with a chain's rows."""

    head: tuple[int, bytes] | None = None
    stored: list[Attested] = field(default_factory=list)
    filed: list[Attested] = field(default_factory=list)


def audit_verify(*, tenant_id: UUID | None = None) -> Verification:
    """Verify one chain, or all, in one snapshot of the database, as the platform role.

    Entries that are being written meanwhile are not looked at. Raises psycopg.OperationalError
    when the log cannot be read, ValueError when a checkpoint file is not readable.
    """
    filed = checkpoints.checkpoints_filed()  # before the snapshot, which is then no older
    with psycopg.connect(_conninfo()) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL enable_sort = off")  # the index has the entries in order
        chains = _evidence(connection, filed)
        wanted = chains if tenant_id is None else {tenant_id: chains[tenant_id]}
        found = Verification()
        for chain, evidence in wanted.items():
            _chain_verify(connection, chain, evidence, found)
    return found


def _conninfo() -> str:
    """Return a connection of its own: the walk reads below what Django's pool hands out."""
    stored = connections["platform"].settings_dict
    return make_conninfo(
        host=stored["HOST"],
        port=stored["PORT"],
        user=stored["USER"],
        password=stored["PASSWORD"],
        dbname=stored["NAME"],
        application_name="frontdesk-audit",
    )


def _evidence(connection: Connection, filed: Iterable[Attested]) -> dict[UUID, _Evidence]:
    found: dict[UUID, _Evidence] = defaultdict(_Evidence)
    for (tenant_id,) in connection.execute(_CHAINS):
        found[tenant_id].head = None
    for tenant_id, seq, digest in connection.execute(_HEADS):
        found[tenant_id].head = (seq, bytes(digest))
    for checkpoint in checkpoints.checkpoints_stored(iter(connection.execute(_CHECKPOINTS))):
        found[checkpoint.tenant_id].stored.append(checkpoint)
    for checkpoint in filed:
        found[checkpoint.tenant_id].filed.append(checkpoint)
    return found


def _chain_verify(
    connection: Connection, chain: UUID, evidence: _Evidence, found: Verification
) -> None:
    walk = chain_walk(connection, chain, upto=_NEWEST)
    said = {*evidence.filed, *evidence.stored}
    witnesses = sorted(said, key=lambda c: (c.seq, c.signed_at), reverse=True)
    found.chains += 1
    found.entries += walk.rows
    found.checkpoints += len(witnesses)
    found.findings += walk_findings(chain, walk)
    found.findings += _head_findings(chain, walk.last_seq, evidence.head)
    found.findings += _removed_findings(evidence)
    hashes = _hashes(connection, chain, witnesses)
    found.findings += testimony_findings(chain, walk.last_seq, hashes, witnesses)


def _head_findings(chain: UUID, last_seq: int, head: tuple[int, bytes] | None) -> Iterator[Finding]:
    """Yield what the chain's head counts and the rows have not, and the other way round."""
    counted = head[0] if head else 0
    if counted > last_seq:
        yield Finding(chain, last_seq + 1, counted, FindingKind.TRUNCATED)
    elif counted < last_seq:
        yield Finding(chain, counted + 1, last_seq, FindingKind.ALTERED)


def _removed_findings(evidence: _Evidence) -> Iterator[Finding]:
    stored = set(evidence.stored)
    for filed in evidence.filed:
        if filed not in stored:
            yield Finding(filed.tenant_id, filed.seq, filed.seq, FindingKind.UNATTESTED)


def _hashes(connection: Connection, chain: UUID, witnesses: list[Attested]) -> dict[int, bytes]:
    numbers = [checkpoint.seq for checkpoint in witnesses]
    return {seq: bytes(found) for seq, found in connection.execute(_HASHES, (chain, numbers))}


def testimony_findings(
    chain: UUID, last_seq: int, hashes: dict[int, bytes], witnesses: list[Attested]
) -> Iterator[Finding]:
    """Yield what genuine checkpoints say that the rows do not, and checkpoints nobody signed.

    `witnesses` come newest first. A genuine one that agrees covers all before it, since its hash
    does, so that older ones which agree need no signature check.
    """
    covered, agreed, denied = False, [0], []
    for witness in witnesses:
        agrees = hashes.get(witness.seq) == witness.hash
        if agrees:
            agreed.append(witness.seq)
        if agrees and covered:
            continue
        verdict = checkpoints.checkpoint_is_genuine(witness)
        if verdict is False or (verdict is None and not covered):
            yield Finding(chain, witness.seq, witness.seq, FindingKind.FORGED)
        elif verdict and agrees:
            covered = True
        elif verdict and (witness.seq > last_seq or witness.seq in hashes):
            denied.append(witness.seq)
    yield from _denied_findings(chain, last_seq, agreed, denied)


def _denied_findings(
    chain: UUID, last_seq: int, agreed: list[int], denied: list[int]
) -> Iterator[Finding]:
    beyond = [seq for seq in denied if seq > last_seq]
    within = [seq for seq in denied if seq <= last_seq]
    if beyond:
        yield Finding(chain, last_seq + 1, max(beyond), FindingKind.TRUNCATED)
    if within:
        well = max(seq for seq in agreed if seq < min(within))
        yield Finding(chain, well + 1, min(within), FindingKind.REWRITTEN)
