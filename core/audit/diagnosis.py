"""Say what happened to the rows that do not follow from the ones before them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from core.audit.chain import Suspect, Walk
from core.audit.types import Finding, FindingKind

# Moved rows are looked for among this many neighbours: the search tries all their places.
_GROUP_LIMIT: Final = 48


def walk_findings(tenant_id: UUID, walk: Walk) -> Iterator[Finding]:
    """Yield a finding for each suspect that was altered or moved, and for each gap before one."""
    for group in _groups(walk.suspects):
        yield from _group_findings(tenant_id, group)
    unseen = walk.suspect_count - len(walk.suspects)
    if unseen:
        last = walk.suspects[-1].seq
        yield Finding(tenant_id, last + 1, walk.last_seq, FindingKind.ALTERED)


def _groups(suspects: list[Suspect]) -> Iterator[list[Suspect]]:
    """Split where a row that is well stands between two suspects."""
    group: list[Suspect] = []
    for suspect in suspects:
        if group and (suspect.after_seq != group[-1].seq or len(group) == _GROUP_LIMIT):
            yield group
            group = []
        group.append(suspect)
    if group:
        yield group


def _group_findings(tenant_id: UUID, group: list[Suspect]) -> Iterator[Finding]:
    origins = _origins(group)
    for suspect in group:
        gap = suspect.seq - suspect.after_seq - 1
        origin = origins.get(suspect.seq)
        if gap > 0:
            yield Finding(tenant_id, suspect.seq - gap, suspect.seq - 1, FindingKind.MISSING)
        if origin is None and gap <= 0:
            yield Finding(tenant_id, suspect.seq, suspect.seq, FindingKind.ALTERED)
        elif origin is not None and origin != suspect.seq:
            yield Finding(tenant_id, suspect.seq, suspect.seq, FindingKind.MOVED)


def _origins(group: list[Suspect]) -> dict[int, int]:
    """Return for each row that is genuine in some place of the group the number it had there.

    A row behind a moved one is genuine in its own place: only what it builds on has gone.
    """
    hashes = [group[0].previous, *(suspect.hash for suspect in group)]
    numbers = [suspect.seq for suspect in group]
    return {
        suspect.seq: number
        for suspect in group
        for number in numbers
        for previous in hashes
        if suspect.hash_at(previous, number) == suspect.hash
    }
