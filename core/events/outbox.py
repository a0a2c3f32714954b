"""Write an event into the outbox with the change that caused it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connections, transaction

from core import tenancy
from core.db.bound import server_bound_cursor
from core.db.router import database_alias
from core.errors import EventTooLarge
from core.events.catalogue import Event
from core.events.deliver import DeliveryKey, delivery_attempt
from core.events.registry import Subscriber, subscribers_for

log = structlog.get_logger(__name__)

CHANNEL = "frontdesk_outbox"
# Events hold ids and numbers; whoever needs this much wants a reference instead.
PAYLOAD_BYTES = 65_536
# Urgent deliveries of one tenant that a process tries at once.
URGENT_AT_ONCE = 2
_trying: Counter[UUID] = Counter()
_lock = threading.Lock()

# One round trip: the event, a delivery per subscriber, and the wake-up call to the relay.
_PUBLISH = f"""
WITH stored AS (
    INSERT INTO core_outboxevent (tenant_id, name, version, payload, occurred_at)
    VALUES (%s, %s, %s, %s::jsonb, statement_timestamp())
    RETURNING id, tenant_id, occurred_at
), planned AS (
    INSERT INTO core_delivery (event_seq, occurred_at, tenant_id, subscriber, next_attempt_at)
    SELECT stored.id, stored.occurred_at, stored.tenant_id, name, stored.occurred_at
    FROM stored, unnest(%s::text[]) AS name
    RETURNING id, occurred_at, subscriber
)
SELECT id, occurred_at, subscriber, pg_notify('{CHANNEL}', '') FROM planned
"""  # noqa: S608 - the channel is a constant


# The same, within the statement that makes the change: a CTE `changed` has a row if it was made.
_PUBLISH_WITH = f"""
WITH {{change}}, stored AS (
    INSERT INTO core_outboxevent (tenant_id, name, version, payload, occurred_at)
    SELECT %s, %s, %s, %s::jsonb, statement_timestamp() WHERE EXISTS (SELECT FROM changed)
    RETURNING id, tenant_id, occurred_at
), planned AS (
    INSERT INTO core_delivery (event_seq, occurred_at, tenant_id, subscriber, next_attempt_at)
    SELECT stored.id, stored.occurred_at, stored.tenant_id, name, stored.occurred_at
    FROM stored, unnest(%s::text[]) AS name
    RETURNING id, occurred_at, subscriber
), woken AS (
    SELECT id, occurred_at, subscriber, pg_notify('{CHANNEL}', '') FROM planned
)
SELECT total.rows, id, occurred_at, subscriber
FROM (SELECT count(*) AS rows FROM changed) AS total LEFT JOIN woken ON true
"""  # noqa: S608 - the channel is a constant, the change the caller's own text


def publish(event: Event) -> None:
    """Store `event` for its subscribers; it becomes visible when the transaction commits.

    Needs a tenant scope and an open transaction, so that change and event commit together.
    Urgent subscribers are tried right after the commit, two of a tenant at once in a process; the
    relay delivers whatever that misses. Raises EventTooLarge beyond PAYLOAD_BYTES.
    """
    connection = connections[database_alias()]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("publish() needs the caller's transaction.")
    subscribers = _subscribers(event)
    with connection.cursor() as cursor:
        cursor.execute(_PUBLISH, _values(event, subscribers))
        planned = cursor.fetchall()
    _urgent_try(planned, subscribers)


def publish_with(change: str, values: Sequence[Any], event: Event) -> int:
    """Make a change and store `event` in one statement and round trip; return the rows changed.

    `change` is CTEs, the last named `changed`; where that has no row nothing is stored. For the few
    changes that are made all the time. Otherwise as `publish`, but for the transaction.
    """
    subscribers = _subscribers(event)
    with server_bound_cursor() as cursor:
        statement = _PUBLISH_WITH.format(change=change)
        cursor.execute(statement, (*values, *_values(event, subscribers)))
        told = cursor.fetchall()
    planned = [row[1:] for row in told if row[1] is not None]
    _urgent_try(planned, subscribers)
    return int(told[0][0])


def _subscribers(event: Event) -> dict[str, Subscriber]:
    return {found.name: found for found in subscribers_for(event)}


def _values(event: Event, subscribers: Mapping[str, Subscriber]) -> tuple[Any, ...]:
    tenant = tenancy.require()
    return (tenant.id, event.name, event.version, _payload(event), list(subscribers))


def _urgent_try(planned: Sequence[Any], subscribers: Mapping[str, Subscriber]) -> None:
    """Try the urgent ones of the deliveries (id, time, subscriber) once the change is committed."""
    tenant, alias = tenancy.require(), database_alias()
    for number, occurred_at, subscriber in (row[:3] for row in planned):
        if subscribers[subscriber].is_urgent:
            key = DeliveryKey(number, occurred_at)
            transaction.on_commit(partial(_deliver_now, key, tenant), using=alias)


def _payload(event: Event) -> str:
    payload = json.dumps(event.payload())
    if len(payload) > PAYLOAD_BYTES:  # pure ASCII, as json.dumps escapes
        raise EventTooLarge(f"{event.name} would take {len(payload)} bytes of {PAYLOAD_BYTES}.")
    return payload


def _deliver_now(key: DeliveryKey, tenant: tenancy.TenantContext) -> None:
    """Try an urgent delivery; the change is committed, so trouble here is the relay's to repair.

    So is what comes while others of the same tenant are being tried: a rush of one does not keep
    its own requests waiting for each other, nor anybody else's, and the relay has been woken.
    """
    with place_taken(tenant.id) as is_free:
        if not is_free:
            return
        try:
            delivery_attempt(key, tenant)
        except Exception:  # whatever a handler raised as its connection broke
            log.exception("urgent_delivery_left_to_the_relay", delivery=key.id)


@contextmanager
def place_taken(tenant_id: UUID) -> Iterator[bool]:
    """Take one of the tenant's places for urgent deliveries in this process; False without one."""
    with _lock:
        is_free = _trying[tenant_id] < URGENT_AT_ONCE
        _trying[tenant_id] += is_free
    try:
        yield is_free
    finally:
        with _lock:
            _trying[tenant_id] -= is_free
            if not _trying[tenant_id]:
                del _trying[tenant_id]
