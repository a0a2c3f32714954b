"""Hold amounts of several meters under one id: all of them or none.

A meter without a limit costs nothing here. What cannot be settled because Redis is gone lapses with
its lease, and the ledger's figure takes its place (`tenants.tasks`).
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from redis import RedisError

from tenants.admission import quota as quotas
from tenants.admission.current import METERED, quota_current
from tenants.admission.quota import LEASE_SECONDS, Quota
from tenants.errors import QuotaExceeded

Amounts = Mapping[str, int]
log = structlog.get_logger(__name__)


def amounts_reserve(
    *, reservation_id: str, amounts: Amounts, lease_seconds: int = LEASE_SECONDS
) -> None:
    """Hold amounts of the current tenant's quotas for work that is about to begin.

    Idempotent by `reservation_id`. Raises QuotaExceeded, and then holds nothing; raises
    redis.RedisError without Redis: what costs money fails closed.
    """
    held: list[Quota] = []
    for quota, amount in _limited(amounts):
        try:
            quotas.quota_reserve(
                quota=quota,
                reservation_id=reservation_id,
                amount=amount,
                lease_seconds=lease_seconds,
            )
        except QuotaExceeded:
            for other in held:
                quotas.quota_release(quota=other, reservation_id=reservation_id)
            raise
        held.append(quota)


def amounts_settle(*, reservation_id: str, amounts: Amounts) -> None:
    """Count what the work really took. Idempotent by `reservation_id`, for a day; never raises."""
    try:
        for quota, amount in _limited(amounts):
            quotas.quota_settle(quota=quota, reservation_id=reservation_id, amount=amount)
    except RedisError as error:
        log.warning("quota_not_settled", reservation=reservation_id, error=type(error).__name__)


def amounts_release(*, reservation_id: str, amounts: Amounts) -> None:
    """Give back what was held for work that failed. Idempotent; never raises."""
    try:
        for quota, _ in _limited(amounts):
            quotas.quota_release(quota=quota, reservation_id=reservation_id)
    except RedisError as error:
        log.warning("quota_not_released", reservation=reservation_id, error=type(error).__name__)


def quotas_reconcile() -> None:
    """Raise the current tenant's counters to the ledger where they count less. Idempotent."""
    for meter in METERED:
        quota = quota_current(meter)
        if quota is not None:
            quotas.quota_reconcile(quota=quota)


def _limited(amounts: Amounts) -> list[tuple[Quota, int]]:
    found = [(quota_current(meter), amount) for meter, amount in amounts.items()]
    return [(quota, amount) for quota, amount in found if quota is not None]
