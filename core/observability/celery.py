"""What Celery processes tell about themselves: signs of life, counts, log context."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog
from celery import Task
from celery.signals import heartbeat_sent, setup_logging, task_postrun, task_retry, worker_shutdown
from django.conf import settings
from redis import RedisError

from core.observability.heartbeat import heartbeat_clear, heartbeat_touch
from core.observability.metrics import retry_total, tasks_total

log = structlog.get_logger(__name__)


def signals_connect() -> None:
    """Connect to Celery's signals; called once from the Celery application's module."""
    setup_logging.connect(_logging_keep, weak=False)
    heartbeat_sent.connect(_alive, weak=False)
    worker_shutdown.connect(_gone, weak=False)
    task_postrun.connect(_task_count, weak=False)
    task_retry.connect(_retry_count, weak=False)


def _logging_keep(**_: Any) -> None:
    """Keep Django's logging: a connected receiver stops Celery from configuring its own."""
    logging.config.dictConfig(settings.LOGGING)


def _alive(sender: Any, **_: Any) -> None:
    """Say that this worker's loop turns, for each queue it consumes."""
    try:
        for queue in sender.eventer.app.amqp.queues.consume_from:
            heartbeat_touch(f"worker-{queue}")
    except RedisError:
        log.warning("heartbeat_not_written")


def _gone(sender: Any, **_: Any) -> None:
    """Take the signs of life back, so that nobody counts on a worker that has left."""
    try:
        for queue in sender.app.amqp.queues.consume_from:
            heartbeat_clear(f"worker-{queue}")
    except RedisError:
        log.warning("heartbeat_not_cleared")


def _task_count(task: Task[Any, Any], state: str | None = None, **_: Any) -> None:
    tasks_total.labels(task=task.name, outcome=(state or "unknown").lower()).inc()


def _retry_count(sender: Task[Any, Any], **_: Any) -> None:
    retry_total.labels(component="tasks").inc()
