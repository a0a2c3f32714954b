"""What a document takes of the plan's quotas: held with its upload, settled once it is read."""

from __future__ import annotations

from typing import Final

from knowledge.models import Document
from tenants.admission.admit import Work, admit
from tenants.admission.holds import amounts_release, amounts_settle

# Reading may wait behind many other documents; a hold outlives its task by far.
LEASE_SECONDS: Final = 6 * 3_600


def document_hold(document: Document) -> None:
    """Hold the document's place and bytes; a page that is still to be fetched holds one byte.

    Idempotent by version. Raises QuotaExceeded, SwitchedOff, and ServiceUnavailable while nobody
    can count.
    """
    work = Work(
        amounts=_amounts(max(1, document.size_bytes)),
        reservation_id=_reservation(document),
        lease_seconds=LEASE_SECONDS,
    )
    admit(purpose="upload", work=work).enforce()


def document_settle(document: Document, size: int) -> None:
    """Count a document that is ready, with the bytes it really had. Idempotent by version."""
    amounts_settle(reservation_id=_reservation(document), amounts=_amounts(size))


def document_let_go(document: Document) -> None:
    """Give back what was held for a version that failed, was deleted or overtaken. Idempotent."""
    amounts_release(reservation_id=_reservation(document), amounts=_amounts(0))


def _reservation(document: Document) -> str:
    return f"document:{document.pk}:{document.version}"


def _amounts(size: int) -> dict[str, int]:
    return {"documents": 1, "storage_bytes": size}
