"""Background entry point: forget what nobody will ask for again."""

from core.idempotency import store
from core.tasks import platform_task


@platform_task("core.idempotency_sweep", queue="runs")
def idempotency_sweep() -> None:
    """Delete expired records of all tenants; harmless when delivered again."""
    store.expired_delete()
