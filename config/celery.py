"""The Celery application: every task is a TenantTask, every queue is named."""

from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_ready, worker_shutdown

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
    if _works_on_runs(instance.app):
        warm_up()


@worker_ready.connect
def _sweeper_start(sender: Any, **_: Any) -> None:
    """Let the worker look out for runs whose worker is gone, until it stops."""
    if _works_on_runs(sender.app):
        from workflows.sweeping import Sweeper  # apps are loaded by now

        sweeper = Sweeper()
        sweeper.start()
        worker_shutdown.connect(lambda **_: sweeper.stop(), weak=False)


def _works_on_runs(worker_app: Celery) -> bool:
    return bool({"runs", "runs-bulk"} & set(worker_app.amqp.queues.consume_from))
