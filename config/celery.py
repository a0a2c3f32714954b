"""The Celery application: every task is a TenantTask, every queue is named."""

from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_shutdown

from core.embedding import warm_up
from core.observability.celery import signals_connect
from core.tasks import TenantTask

app = Celery("frontdesk", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
signals_connect()


@celeryd_after_setup.connect
def _runs_prepare(instance: Any, **_: Any) -> None:
    """Look out for dead workers' runs, and load the model, before the worker says it is there.

    The first question must not wait for the model, nor the runs of dead workers for either.
    """
    if not {"runs", "runs-bulk"} & set(instance.app.amqp.queues.consume_from):
        return
    from workflows.engine.presence import presence  # apps are loaded by now
    from workflows.sweeping import Sweeper

    presence.start()
    sweeper = Sweeper()
    sweeper.start()
    worker_shutdown.connect(lambda **_: sweeper.stop(), weak=False)
    warm_up()
