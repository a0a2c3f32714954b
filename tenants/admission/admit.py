"""The one question before work is taken on: switches, rate, places and quota together.

A purpose is a route class of REST, or `answer`, `remote`, `analytics`, `socket`. Load comes in
through the switches: the monitor turns them on (`tenants/switches/monitor.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from redis import RedisError

from core import tenancy
from core.errors import DomainError, RateLimited, ServiceUnavailable
from tenants.admission.concurrency import Place, places_release, places_take
from tenants.admission.current import limits_current
from tenants.admission.holds import amounts_reserve
from tenants.admission.local import local_take
from tenants.admission.quota import LEASE_SECONDS
from tenants.admission.rate import Bucket, Verdict, take
from tenants.errors import ConcurrencyLimit, QuotaExceeded, SwitchedOff
from tenants.switches.state import switches_on
from tenants.switches.types import Switch

WINDOW_SECONDS: Final = 60
# One subject may use a tenth of what its whole workspace may.
TENANT_FACTOR: Final = 10
RETRY_SECONDS: Final = 5
SWITCHED_RETRY_SECONDS: Final = 30
# What costs money or opens doors waits for Redis; the rest goes on, counted in this process.
FAIL_CLOSED: Final = frozenset({"auth", "upload", "remote"})
# What each switch refuses.
SWITCHES: Final = {
    "upload": Switch.UPLOADS_OFF,
    "analytics": Switch.ANALYTICS_OFF,
    "read": Switch.API_READS_OFF,
    "remote": Switch.REMOTE_MODELS_OFF,
    "answer": Switch.WIDGET_PEOPLE_ONLY,
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What work takes: places under a holder, amounts of quotas under a reservation."""

    places: Sequence[Place] = ()
    holder: str = ""
    amounts: Mapping[str, int] | None = None
    reservation_id: str = ""
    lease_seconds: int = LEASE_SECONDS


NOTHING: Final = Work()


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision: why not, if not; what is given up meanwhile; what the rate limit says."""

    refusal: DomainError | None = None
    reasons: tuple[str, ...] = ()
    is_counted: bool = True
    verdict: Verdict | None = None

    @property
    def allowed(self) -> bool:
        return self.refusal is None

    @property
    def degraded(self) -> bool:
        """Return whether something is given up: a switch is on, or nobody counts."""
        return bool(self.reasons) or not self.is_counted

    @property
    def retry_after(self) -> int:
        """Return after how many seconds it is worth asking again; 0 for what was allowed."""
        return int(self.refusal.data.get("retry_after", 0)) if self.refusal else 0

    def enforce(self) -> None:
        """Raise the refusal, if it is one."""
        if self.refusal is not None:
            raise self.refusal


def admit(
    *, purpose: str, subject: str = "", own_limit: int | None = None, work: Work = NOTHING
) -> Admission:
    """Decide whether the current tenant may go on, and take what it needs if so.

    With a `subject` its and the workspace's bucket of the purpose give a token. Places and amounts
    are taken all or none, idempotent as they are; a token of a bucket is not given back. Never
    raises for what it foresees: without Redis it refuses what costs money or opens doors, and
    counts the rest in this process.
    """
    on = switches_on()
    reasons = tuple(sorted(f"switch:{name}" for name in on))
    switch = SWITCHES.get(purpose)
    if switch in on:
        return Admission(
            SwitchedOff(switch=switch.value, retry_after=SWITCHED_RETRY_SECONDS), reasons
        )
    buckets = class_buckets(purpose, subject, own_limit) if subject else []
    admission = buckets_admit(buckets, fails_closed=purpose in FAIL_CLOSED, reasons=reasons)
    if not admission.allowed or not (work.places or work.amounts):
        return admission
    return _work_admit(work, admission, fails_closed=purpose in FAIL_CLOSED)


def class_buckets(route_class: str, subject: str, own_limit: int | None) -> list[Bucket]:
    """Return the buckets of a subject and of its workspace; sockets and REST share them."""
    configured = int(settings.RATE_LIMITS[route_class])
    # A larger plan does not make passwords easier to guess.
    limit = configured if route_class == "auth" else limits_current().rate(configured)
    own = _key(route_class, subject)
    return [
        Bucket(own, route_class, own_limit or limit, WINDOW_SECONDS),
        Bucket(
            _key(route_class, "tenant"),
            f"{route_class}-tenant",
            limit * TENANT_FACTOR,
            WINDOW_SECONDS,
        ),
    ]


def buckets_admit(
    buckets: Sequence[Bucket], *, fails_closed: bool, reasons: tuple[str, ...] = ()
) -> Admission:
    """Take a token of every bucket or of none; without Redis of this process's own first one."""
    if not buckets:
        return Admission(reasons=reasons)
    try:
        verdict = take(buckets=buckets)
    except RedisError as error:
        log.warning("rate_limit_without_redis", error=type(error).__name__)
        return _uncounted(buckets[0], reasons, fails_closed=fails_closed)
    if verdict.allowed:
        return Admission(reasons=reasons, verdict=verdict)
    refusal = RateLimited(retry_after=verdict.retry_after, limit=verdict.bucket.name)
    return Admission(refusal, reasons, verdict=verdict)


def _uncounted(bucket: Bucket, reasons: tuple[str, ...], *, fails_closed: bool) -> Admission:
    if fails_closed:
        return Admission(ServiceUnavailable(retry_after=RETRY_SECONDS), reasons, is_counted=False)
    try:
        local_take(bucket)
    except RateLimited as refusal:
        return Admission(refusal, reasons, is_counted=False)
    return Admission(reasons=reasons, is_counted=False)


def _work_admit(work: Work, admission: Admission, *, fails_closed: bool) -> Admission:
    try:
        _work_take(work)
    except (ConcurrencyLimit, QuotaExceeded) as refusal:
        return Admission(refusal, admission.reasons, admission.is_counted, admission.verdict)
    except RedisError as error:
        log.warning("work_uncounted", error=type(error).__name__, refused=fails_closed)
        refused = ServiceUnavailable(retry_after=RETRY_SECONDS) if fails_closed else None
        return Admission(refused, admission.reasons, is_counted=False, verdict=admission.verdict)
    return admission


def _work_take(work: Work) -> None:
    if work.places:
        places_take(places=work.places, holder=work.holder)
    try:
        if work.amounts:
            amounts_reserve(
                reservation_id=work.reservation_id,
                amounts=work.amounts,
                lease_seconds=work.lease_seconds,
            )
    except (QuotaExceeded, RedisError):
        places_release(places=work.places, holder=work.holder)
        raise


def _key(*parts: str) -> str:
    return tenancy.tenant_key("rate", *parts)
