"""Deliver what the publishers' processes did not: the guarantee behind every subscriber.

Woken by NOTIFY, and by a poll for due retries. The platform role reads which deliveries are due
across tenants; each is then carried out inside its own tenant by the application role. Events
become eligible once every transaction that started before them has ended (a watermark by snapshot,
not by id), so none is skipped when transactions commit out of order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import redis
import structlog
from django.db import close_old_connections, connections

from core import directory, tenancy
from core.db.leadership import CONNECTION_LOST, Session, lead_try, session_open
from core.events import hands
from core.events.backlog import HELD
from core.events.deliver import DeliveryKey, deliveries_attempt, overdue_record, session_end
from core.events.outbox import CHANNEL
from core.events.replay import replays_advance, replays_open
from core.observability.heartbeat import heartbeat_clear, heartbeat_touch
from core.tenancy import TenantContext

log = structlog.get_logger(__name__)

BATCH = 500
TOGETHER = 50  # deliveries in one transaction: few commits, short locks
GATHER_SECONDS = 0.05  # after a wake-up, what belongs to the same turn arrives
POLL_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
PARTITION_SECONDS = 3600.0
KEEP_DAYS = 14
LEADER_LOCK = 0x46_44_52_4C  # "FDRL"
TENANTS_AT_ONCE = 4

THREADS_LOST_LIMIT = 8

_DUE = f"""
    SELECT d.id, d.occurred_at, d.tenant_id, d.strikes > 0 FROM core_delivery d
    WHERE d.state = 'pending' AND d.replay_id IS NULL AND d.next_attempt_at <= statement_timestamp()
      AND (d.attempts > 0 OR d.xid < pg_snapshot_xmin(pg_current_snapshot()))
      AND NOT ({HELD})
    ORDER BY d.xid, d.id LIMIT %s
"""  # noqa: S608 - HELD is a constant


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to attempt; one whose connection broke before is alone in its transaction."""

    key: DeliveryKey
    tenant_id: UUID
    is_suspect: bool = False


@dataclass(slots=True)
class Work:
    """One tenant's deliveries in a thread of the pool; `thread` is known once it has begun."""

    tenant_id: UUID
    due: list[tuple[DeliveryKey, bool]]
    thread: int = 0


def deliveries_due(limit: int = BATCH) -> list[Due]:
    """Return pending deliveries below the watermark, oldest first, across tenants.

    Without those of replays, and without first deliveries that a replay holds back.
    """
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute(_DUE, (limit,))
        rows = cursor.fetchall()
    return [Due(DeliveryKey(row[0], row[1]), row[2], row[3]) for row in rows]


def relay_once(pool: ThreadPoolExecutor) -> int:
    """Deliver one batch: tenants side by side, each tenant's events in order; returns how many.

    A handler that does not come back is counted as a failed attempt, and its thread is left behind
    (`threads_lost`).
    """
    by_tenant: dict[UUID, Work] = {}
    for due in deliveries_due():
        work = by_tenant.setdefault(due.tenant_id, Work(due.tenant_id, []))
        work.due.append((due.key, due.is_suspect))
    return _all_deliver(pool, list(by_tenant.values()))


def replays_once(pool: ThreadPoolExecutor) -> int:
    """Give replays their turns; returns how many moved. Never while first deliveries run."""
    return replays_advance(partial(_replay, pool))


def _replay(
    pool: ThreadPoolExecutor, due: Sequence[tuple[DeliveryKey, bool]], tenant: TenantContext
) -> int:
    return _all_deliver(pool, [Work(tenant.id, list(due))])


def _all_deliver(pool: ThreadPoolExecutor, works: list[Work]) -> int:
    """Return how many were delivered, once every thread has ended or is left behind."""
    running = {pool.submit(_tenant_deliver, work): work for work in works}
    delivered = 0
    while running:
        done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
        delivered += sum(future.result() for future in done)
        running = {f: work for f, work in running.items() if f not in done and not _is_lost(work)}
        relay_heartbeat()
    return delivered


def _is_lost(work: Work) -> bool:
    """Leave a thread behind whose handler is overdue, once the attempt is counted."""
    hand = hands.hand_of(work.thread)
    tenant = directory.tenant_by_id(work.tenant_id)
    if hand is None or tenant is None or not hand.is_overdue:
        return False
    session_end(hand.session)
    if not overdue_record(DeliveryKey(hand.delivery_id, hand.occurred_at), tenant):
        return False  # its session has not ended yet
    hands.give_up(work.thread)
    log.error("relay_thread_lost", delivery=hand.delivery_id, tenant=tenant.slug)
    _lost.append(work.thread)
    return True


_lost: list[int] = []


def threads_lost() -> int:
    """Return how many threads of this process wait for a handler that does not come back."""
    return len(_lost)


def _tenant_deliver(work: Work) -> int:
    work.thread = hands.start()
    try:
        tenant = directory.tenant_by_id(work.tenant_id)
        if tenant is None:
            return 0  # suspended: its deliveries wait until it is active again
        return sum(deliveries_attempt(keys, tenant) for keys in _transactions(work.due))
    except (Exception, SystemExit):  # whatever a handler raised as its transaction was lost
        log.exception("relay_tenant_failed", tenant=str(work.tenant_id))
        return 0  # they are still pending; the next round tries again
    finally:
        close_old_connections()


def _transactions(due: Sequence[tuple[DeliveryKey, bool]]) -> Iterator[list[DeliveryKey]]:
    """Yield what goes into one transaction, in order: fifty at most, suspects by themselves."""
    together: list[DeliveryKey] = []
    for key, is_suspect in due:
        if together and (is_suspect or len(together) == TOGETHER):
            yield together
            together = []
        together.append(key)
        if is_suspect:
            yield together
            together = []
    if together:
        yield together


def relay_heartbeat() -> None:
    """Show that the relay lives; deliveries do not need Redis, so they go on without it."""
    try:
        heartbeat_touch("relay")
    except redis.RedisError:
        log.warning("relay_heartbeat_lost")


class Relay:
    """The relay process: one leader at a time, chosen by an advisory lock."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def run(self) -> None:
        """Deliver until stopped; reconnects after the database went away.

        Returns early when too many handlers did not come back: only a new process is rid of them.
        """
        while not self.is_over():
            pool = ThreadPoolExecutor(TENANTS_AT_ONCE, thread_name_prefix="relay")
            try:
                self._lead(pool)
            except CONNECTION_LOST as error:
                log.warning("relay_connection_lost", reason=str(error)[:200])
                connections.close_all()  # this thread's own: a broken one would be used for ever
                self.stopping.wait(RECONNECT_SECONDS)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        with suppress(redis.RedisError):
            heartbeat_clear("relay")

    def is_over(self) -> bool:
        return self.stopping.is_set() or threads_lost() >= THREADS_LOST_LIMIT

    def _lead(self, pool: ThreadPoolExecutor) -> None:
        with session_open("relay") as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            while not self.stopping.is_set() and not lead_try(listener, LEADER_LOCK):
                relay_heartbeat()  # a stand-by is alive too
                self.stopping.wait(POLL_SECONDS)
            log.info("relay_leading")
            self._deliver_until_stopped(listener, pool)

    def _deliver_until_stopped(self, listener: Session, pool: ThreadPoolExecutor) -> None:
        """Deliver in rounds; ends after a lost thread too, since the pool is one short then."""
        maintained_at, lost = float("-inf"), threads_lost()
        while not self.stopping.is_set() and threads_lost() == lost:
            if time.monotonic() - maintained_at >= PARTITION_SECONDS:
                partitions_maintain()
                maintained_at = time.monotonic()
            relay_heartbeat()
            delivered = relay_once(pool)
            if not replays_once(pool) and delivered < BATCH:
                _wait(listener, POLL_SECONDS)


def _wait(listener: Session, seconds: float) -> None:
    for _ in listener.notifies(timeout=seconds, stop_after=1):
        time.sleep(GATHER_SECONDS)


def partitions_maintain() -> None:
    """Make the coming days' partitions and drop those that are old and fully delivered.

    None is dropped while a replay is open: what it made forget must still be there to come again.
    """
    with tenancy.platform_scope(), connections["platform"].cursor() as cursor:
        cursor.execute("SELECT core_outbox_partitions_ensure(7)")
        if not replays_open():
            cursor.execute("SELECT core_outbox_partitions_drop(%s)", (KEEP_DAYS,))
