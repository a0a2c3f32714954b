"""Background work of the knowledge app."""

from uuid import UUID

from core.tasks import task
from knowledge.pipeline import document_ingest


@task("knowledge.ingest", queue="ingest")
def ingest(*, document_id: str) -> None:
    """Take a document through the pipeline; safe to deliver twice."""
    document_ingest(UUID(document_id))
