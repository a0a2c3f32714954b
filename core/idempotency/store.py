"""Claim a key, keep its answer, let it go: each one short statement or transaction in Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import tenancy
from core.idempotency.errors import AnswerNotKept, InDoubt, InFlight, KeyReused
from core.idempotency.models import IdempotencyRecord
from core.idempotency.types import Answer, Claim, RecordState, Repeat

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=90)  # longer than a request may take: chat waits for 30 seconds
BODY_LIMIT = 256 * 1024
SWEEP_BATCH = 5_000
RETRY_SECONDS = 1


class LeaseLost(InFlight):
    """Raised inside the write's transaction, to undo it: another attempt has taken it over."""


def key_claim(*, scope: str, fingerprint: str, repeat: Repeat) -> Claim | Answer:
    """Claim a key for a request, or return the answer its first request got.

    Idempotent: no. Locks the key's row; of parallel callers one claims. An expired row, or one
    whose lease has lapsed and whose write is safe to repeat, is claimed anew. Raises KeyReused,
    InFlight, InDoubt, AnswerNotKept. Publishes nothing.
    """
    with transaction.atomic():
        made = _record_make(scope, fingerprint)
        if made is not None:
            return made
        record = IdempotencyRecord.objects.select_for_update().filter(scope=scope).first()
        if record is None:  # let go of between the two statements
            return _in_flight()
        return _record_join(record, fingerprint, repeat)


def _record_make(scope: str, fingerprint: str) -> Claim | None:
    now = timezone.now()
    record = IdempotencyRecord(
        tenant_id=tenancy.require().id,
        scope=scope,
        fingerprint=fingerprint,
        state=RecordState.RUNNING,
        token=uuid4(),
        lease_until=now + LEASE,
        expires_at=now + KEPT_FOR,
    )
    IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
    is_made = IdempotencyRecord.objects.filter(pk=record.pk).exists()
    return Claim(record.pk, record.token) if is_made else None


def _record_join(record: IdempotencyRecord, fingerprint: str, repeat: Repeat) -> Claim | Answer:
    now = timezone.now()
    if record.expires_at <= now:
        record.delete()
        return _record_make(record.scope, fingerprint) or _in_flight()
    if record.fingerprint != fingerprint:
        raise KeyReused()
    if record.state == RecordState.DONE:
        return Answer(record.status or 200, bytes(record.body or b""), record.headers)
    if record.state == RecordState.NOT_KEPT:
        raise AnswerNotKept()
    if record.state == RecordState.RUNNING and record.lease_until > now:
        return _in_flight()
    if repeat is Repeat.IN_DOUBT:
        raise InDoubt()
    return _record_take(record, now)


def _in_flight() -> NoReturn:
    raise InFlight(retry_after=RETRY_SECONDS)


def _record_take(record: IdempotencyRecord, now: datetime) -> Claim:
    """Take a lapsed attempt over; the record's id stays, so that a service may know it again."""
    record.state, record.token = RecordState.RUNNING, uuid4()
    record.lease_until, record.expires_at = now + LEASE, now + KEPT_FOR
    record.save()
    return Claim(record.pk, record.token)


def answer_keep(*, claim: Claim, answer: Answer | None) -> None:
    """Keep the final answer; None, or a body over the limit, is noted as not kept.

    Idempotent. Called inside the write's transaction where it has one, so that both commit or
    neither. Raises LeaseLost when another attempt took over. Publishes nothing.
    """
    is_kept = answer is not None and len(answer.body) <= BODY_LIMIT
    values: dict[str, Any] = {"state": RecordState.DONE if is_kept else RecordState.NOT_KEPT}
    if answer is not None and is_kept:
        values.update(status=answer.status, headers=answer.headers, body=answer.body)
    if not _held(claim).update(**values):
        raise LeaseLost(retry_after=RETRY_SECONDS)


def key_release(*, claim: Claim) -> None:
    """Let a key go whose request changed nothing, so that it may be sent again.

    Idempotent; does nothing for a claim that was taken over. Raises and publishes nothing.
    """
    _held(claim).delete()


def doubt_record(*, claim: Claim) -> None:
    """Note that nobody knows whether the write took effect.

    Idempotent; does nothing for a claim that was taken over. Raises and publishes nothing.
    """
    _held(claim).update(state=RecordState.IN_DOUBT)


def _held(claim: Claim) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(
        pk=claim.record_id, token=claim.token, state=RecordState.RUNNING
    )


def expired_delete() -> int:
    """Delete every tenant's expired records, a batch at a time; returns how many.

    Idempotent. Takes row locks of a batch only. Raises and publishes nothing.
    """
    deleted = 0
    with tenancy.platform_scope():
        while True:
            expired = IdempotencyRecord.objects.filter(expires_at__lte=timezone.now())
            batch = list(expired.values_list("pk", flat=True)[:SWEEP_BATCH])
            deleted += IdempotencyRecord.objects.filter(pk__in=batch).delete()[0]
            if len(batch) < SWEEP_BATCH:
                return deleted
