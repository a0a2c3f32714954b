"""What a document takes of the plan's quotas: held with its upload, settled once it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import structlog
from redis import RedisError

from core.errors import ServiceUnavailable
from knowledge.models import Document
from tenants.admission.concurrency import Place, places_held
from tenants.admission.current import limits_current
from tenants.admission.holds import amounts_release, amounts_reserve, amounts_settle

# Reading may wait behind many other documents; a hold outlives its task by far.
LEASE_SECONDS: Final = 6 * 3_600
RETRY_SECONDS: Final = 5
log = structlog.get_logger(__name__)


@contextmanager
def upload_place() -> Iterator[None]:
    """Hold one of the workspace's places for uploads: each has a whole file in memory.

    Raises ConcurrencyLimit, and ServiceUnavailable while nobody can count.
    """
    place = Place("uploads", limits_current().concurrent_uploads)
    with ExitStack() as held:
        try:
            held.enter_context(places_held(place))
        except RedisError as error:
            raise _uncounted(error) from error
        yield


def _uncounted(error: RedisError) -> ServiceUnavailable:
    log.warning("upload_refused", error=type(error).__name__)
    return ServiceUnavailable(retry_after=RETRY_SECONDS)


def document_hold(document: Document) -> None:
    """Hold the document's place and bytes; a page that is still to be fetched holds one byte.

    Idempotent by version. Raises QuotaExceeded, and ServiceUnavailable while nobody can count.
    """
    try:
        amounts_reserve(
            reservation_id=_reservation(document),
            amounts=_amounts(max(1, document.size_bytes)),
            lease_seconds=LEASE_SECONDS,
        )
    except RedisError as error:
        raise _uncounted(error) from error


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
