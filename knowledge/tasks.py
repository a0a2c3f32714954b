"""Background work of the knowledge app."""

from uuid import UUID

from django.db import InterfaceError, OperationalError

from core.tasks import task
from knowledge.pipeline import document_ingest


# A database that restarts is back within seconds; one that is gone for minutes wants a person.
@task(
    "knowledge.ingest",
    queue="ingest",
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=2,
    retry_backoff_max=60,
    max_retries=10,
)
def ingest(*, document_id: str) -> None:
    """Take a document through the pipeline; safe to deliver twice."""
    document_ingest(UUID(document_id))
