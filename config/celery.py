"""The Celery application: every task is a TenantTask, every queue is named."""

import gc
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, import_modules, worker_shutdown

from core.embedding import warm_up
from core.observability.celery import signals_connect
from core.tasks import TenantTask


def _collector_rest(**_: Any) -> None:
    """Look for no garbage while all is loaded, which stays: a fifth of the time."""
    gc.disable()


def _collector_resume(**_: Any) -> None:
    gc.freeze()
    gc.enable()


import_modules.connect(_collector_rest, weak=False)  # in this order: first, what loads, and last
app = Celery("frontdesk", task_cls=TenantTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
import_modules.connect(_collector_resume, weak=False)
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
