"""The Celery application: every task is a TenantTask, every queue is named."""

from typing import Any

from celery import Celery
from celery.signals import beat_init

from core import tenancy
from core.observability.celery import signals_connect
from core.tasks import TenantTask

app = Celery("frontdesk", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
signals_connect()


@beat_init.connect
def _enter_shared_schema(**_: Any) -> None:
    """Let the scheduler read its tables: they live in the shared schema."""
    tenancy.enter_public()
