"""Background entry point: drive a run."""

from uuid import UUID

from celery import current_task

from core.tasks import task
from workflows import services
from workflows.dispatch import BULK


@task("workflows.run", queue="runs")
def run(*, run_id: str) -> None:
    """Drive a run; harmless when it is delivered again."""
    delivered = current_task.request.delivery_info or {}
    services.run_execute(run_id=UUID(run_id), gives_way=delivered.get("routing_key") == BULK)
