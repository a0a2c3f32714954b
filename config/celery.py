"""The Celery application: every task is a TenantTask, every queue is named."""

from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup

from core.embedding import warm_up
from core.observability.celery import signals_connect
from core.tasks import TenantTask

app = Celery("frontdesk", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
signals_connect()


@celeryd_after_setup.connect
def _model_load(instance: Any, **_: Any) -> None:
    """Load the model before the worker says it is there: the first question must not wait."""
    if {"runs", "runs-bulk"} & set(instance.app.amqp.queues.consume_from):
        warm_up()
