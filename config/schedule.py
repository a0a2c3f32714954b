"""The scheduler of `celery beat`: the database's schedule, read in the shared schema.

Beat also watches the load: it is there once, and no queue of work stands before it.
"""

from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from core import tenancy
from core.observability.heartbeat import heartbeat_touch
from tenants.switches.monitor import load_watch


class SharedScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package ships no types
    """Enter the shared schema before the first query: Celery has no signal early enough."""

    def __init__(self, *args: Any, **options: Any) -> None:
        tenancy.enter_public()
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> Any:
        heartbeat_touch("beat")
        load_watch()
        return super().tick(*args, **options)
