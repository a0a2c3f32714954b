"""Questions about the services this process depends on, each with a remedy for a bad answer.

`/readyz` asks the quick ones, `manage.py doctor` all of them. Details name no hosts or secrets,
since `/readyz` is open to anyone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import redis
import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader

from core import tenancy
from core.events.backlog import backlog_read
from core.observability.heartbeat import heartbeats_alive
from core.observability.metrics import (
    outbox_dead_letters,
    outbox_lag_seconds,
    outbox_pending,
    outbox_replays_open,
    queue_depth,
)
from core.redis import redis_client

OUTBOX_LAG_LIMIT: Final = 30.0
WORKERS: Final = ("runs", "runs-bulk", "ingest")  # each answers for the queue of its name
QUEUES: Final = (*WORKERS, "runs-lapsed")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One answer: whether it is well, what was found, and what to do if it is not."""

    name: str
    is_ok: bool
    detail: str
    remedy: str = ""
    milliseconds: float = 0.0


Check = Callable[[], CheckResult]


def check_run(name: str, check: Check) -> CheckResult:
    """Run one check and time it; a service that cannot be reached is a bad answer."""
    started = time.perf_counter()
    try:
        found = check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        log.warning("check_failed", check=name, error=type(error).__name__)
        detail = f"not reachable ({type(error).__name__})"
        found = CheckResult(name, False, detail, "See that the service runs: `make up`.")
    elapsed = (time.perf_counter() - started) * 1000
    return CheckResult(found.name, found.is_ok, found.detail, found.remedy, round(elapsed, 1))


def database_check() -> CheckResult:
    """Ask Postgres, as this process's own role."""
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        version = str(cursor.fetchone()[0]).split()[0]
    return CheckResult("database", True, f"Postgres {version}")


def redis_check() -> CheckResult:
    """Ask Redis, and see that it would refuse writes rather than forget data."""
    redis_client().ping()
    return CheckResult("redis", True, "answers")


_migrated = False


def migrations_check() -> CheckResult:
    """See that the shared schema has every migration of this code; remembered once it is so."""
    global _migrated
    pending = [] if _migrated else _migrations_pending()
    _migrated = not pending
    if not pending:
        return CheckResult("migrations", True, "all applied")
    detail = f"{len(pending)} not applied, first {pending[0]}"
    return CheckResult("migrations", False, detail, "Run `python manage.py tenants_migrate`.")


def _migrations_pending() -> list[str]:
    """Return shared apps' migrations that the database has not recorded."""
    shared = {name.rpartition(".")[2] for name in settings.SHARED_APPS}
    known = MigrationLoader(None).disk_migrations
    with tenancy.public_scope(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT app, name FROM public.django_migrations")
        applied = set(cursor.fetchall())
    wanted = {(app, name) for app, name in known if app in shared}
    return sorted(f"{app}.{name}" for app, name in wanted - applied)


def relay_check() -> CheckResult:
    """See that a relay lives and that no delivery has been due for long."""
    backlog = backlog_read()
    lag = backlog.lag_seconds
    outbox_pending.set(backlog.due)
    outbox_lag_seconds.set(lag)
    outbox_dead_letters.set(backlog.dead)
    outbox_replays_open.set(backlog.replays)
    if not heartbeats_alive("relay"):
        return CheckResult("relay", False, "no relay alive", "Start `python manage.py relay`.")
    if lag > OUTBOX_LAG_LIMIT:
        detail = f"oldest delivery due {lag:.0f} s ago"
        return CheckResult("relay", False, detail, "Read var/log/relay.log; look at dead letters.")
    return CheckResult("relay", True, f"lag {lag:.1f} s")


def workers_check() -> CheckResult:
    """See that a worker lives for every queue."""
    alive = {queue: heartbeats_alive(f"worker-{queue}") for queue in WORKERS}
    silent = [queue for queue, count in alive.items() if not count]
    if silent:
        detail = f"no worker alive for {', '.join(silent)}"
        remedy = f"Start `celery -A config.celery worker -Q {silent[0]}`."
        return CheckResult("workers", False, detail, remedy)
    return CheckResult("workers", True, ", ".join(f"{q} {n}" for q, n in alive.items()))


def queues_check() -> CheckResult:
    """Say how many tasks wait in each queue."""
    prefix = current_app.conf.broker_transport_options.get("global_keyprefix", "")
    depths = {}
    for queue in QUEUES:
        depths[queue] = int(redis_client().llen(f"{prefix}{queue}"))
        queue_depth.labels(queue=queue).set(depths[queue])
    is_ok = max(depths.values()) < 1000
    detail = ", ".join(f"{queue} {depth}" for queue, depth in depths.items())
    return CheckResult("queues", is_ok, detail, "" if is_ok else "Start more workers.")


def readiness_register(name: str, check: Check) -> None:
    """Add a check that `/readyz` and `manage.py doctor` ask. Idempotent."""
    READINESS[name] = check


READINESS: Final[dict[str, Check]] = {
    "database": database_check,
    "redis": redis_check,
    "migrations": migrations_check,
    "relay": relay_check,
    "workers": workers_check,
}
