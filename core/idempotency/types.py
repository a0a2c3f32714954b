"""The words of idempotent writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Repeat(StrEnum):
    """What may happen to a write whose first attempt broke off; a view says it as `repeat`."""

    IN_DOUBT = (
        "in_doubt"  # nothing is known: never carried out again (for a view that says nothing)
    )
    ATOMIC = "atomic"  # the write commits together with its answer: it left nothing behind
    HARMLESS = "harmless"  # the service itself tells repetitions apart, or writes nothing
    REFUSED = "refused"  # answers hold a secret that must not be kept


class RecordState(StrEnum):
    """Where a keyed request stands."""

    RUNNING = "running"
    DONE = "done"
    NOT_KEPT = "not_kept"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, as it is sent again."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry a keyed request out, until its lease ends."""

    record_id: UUID
    token: UUID
