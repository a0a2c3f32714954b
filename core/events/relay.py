"""Deliver what the publishers' processes did not: the guarantee behind every subscriber.

Woken by NOTIFY, and by a poll for due retries. The platform role reads which deliveries are due
across tenants; each is then carried out inside its own tenant by the application role. Events
become eligible once every transaction that started before them has ended (a watermark by snapshot,
not by id), so none is skipped when transactions commit out of order.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import DatabaseError, close_old_connections, connections

from core import directory, tenancy
from core.events.deliver import DeliveryKey, deliveries_attempt
from core.events.outbox import CHANNEL
from core.observability.heartbeat import heartbeat_clear, heartbeat_touch

log = structlog.get_logger(__name__)

BATCH = 500
TOGETHER = 50  # deliveries in one transaction: few commits, short locks
GATHER_SECONDS = 0.05  # after a wake-up, what belongs to the same turn arrives
POLL_SECONDS = 1.0
PARTITION_SECONDS = 3600.0
KEEP_DAYS = 14
LEADER_LOCK = 0x46_44_52_4C  # "FDRL"
TENANTS_AT_ONCE = 4

_DUE = """
    SELECT id, occurred_at, tenant_id FROM core_delivery
    WHERE state = 'pending' AND next_attempt_at <= statement_timestamp()
      AND (attempts > 0 OR xid < pg_snapshot_xmin(pg_current_snapshot()))
    ORDER BY xid, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    key: DeliveryKey
    tenant_id: UUID


def deliveries_due(limit: int = BATCH) -> list[Due]:
    """Return pending deliveries below the watermark, oldest first, across tenants."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(_DUE, (limit,))
        rows = cursor.fetchall()
    return [Due(DeliveryKey(row[0], row[1]), row[2]) for row in rows]


def relay_once(pool: ThreadPoolExecutor) -> int:
    """Deliver one batch: tenants side by side, each tenant's events in order."""
    by_tenant: dict[UUID, list[DeliveryKey]] = defaultdict(list)
    for due in deliveries_due():
        by_tenant[due.tenant_id].append(due.key)
    return sum(pool.map(_tenant_deliver, by_tenant.items()))


def _tenant_deliver(work: tuple[UUID, list[DeliveryKey]]) -> int:
    tenant_id, keys = work
    try:
        tenant = directory.tenant_by_id(tenant_id)
        if tenant is None:
            return 0  # suspended: its deliveries wait until it is active again
        return sum(
            deliveries_attempt(keys[start : start + TOGETHER], tenant)
            for start in range(0, len(keys), TOGETHER)
        )
    except DatabaseError:
        log.exception("relay_tenant_failed", tenant=str(tenant_id))
        return 0  # they are still pending; the next round tries again
    finally:
        close_old_connections()


class Relay:
    """The relay process: one leader at a time, chosen by an advisory lock."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def run(self) -> None:
        """Deliver until stopped; reconnects after the database went away."""
        with ThreadPoolExecutor(TENANTS_AT_ONCE, thread_name_prefix="relay") as pool:
            while not self.stopping.is_set():
                try:
                    self._lead(pool)
                    heartbeat_clear("relay")
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    log.exception("relay_connection_lost")
                    self.stopping.wait(1.0)

    def _lead(self, pool: ThreadPoolExecutor) -> None:
        with psycopg.connect(**_listen_parameters(), autocommit=True) as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            while not self.stopping.is_set() and not _lock_take(listener):
                heartbeat_touch("relay")  # a stand-by is alive too
                self.stopping.wait(POLL_SECONDS)
            log.info("relay_leading")
            self._deliver_until_stopped(listener, pool)

    def _deliver_until_stopped(
        self, listener: psycopg.Connection[tuple[object, ...]], pool: ThreadPoolExecutor
    ) -> None:
        since_partitions = PARTITION_SECONDS
        while not self.stopping.is_set():
            if since_partitions >= PARTITION_SECONDS:
                partitions_maintain()
                since_partitions = 0.0
            heartbeat_touch("relay")
            delivered = relay_once(pool)
            if delivered < BATCH:
                _wait(listener, POLL_SECONDS)
                since_partitions += POLL_SECONDS


def _wait(listener: psycopg.Connection[tuple[object, ...]], seconds: float) -> None:
    for _ in listener.notifies(timeout=seconds, stop_after=1):
        time.sleep(GATHER_SECONDS)


def _lock_take(listener: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = listener.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
    return bool(row and row[0])


def _listen_parameters() -> dict[str, Any]:
    settings = connections["platform"].settings_dict
    return {
        "host": settings["HOST"],
        "port": settings["PORT"] or 5432,
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "dbname": settings["NAME"],
        "application_name": "frontdesk-relay",
    }


def partitions_maintain() -> None:
    """Make the coming days' partitions and drop those that are old and fully delivered."""
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute("SELECT core_outbox_partitions_ensure(7)")
        cursor.execute("SELECT core_outbox_partitions_drop(%s)", (KEEP_DAYS,))
