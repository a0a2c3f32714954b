"""What a run takes of the plan's quotas: held when it starts, settled when it is over.

Without Redis nothing is held and the run goes on: it costs no money, because remote models refuse
then, and the ledger counts it all the same.
"""

from uuid import UUID

import structlog
from redis import RedisError

from tenants.admission.holds import amounts_release, amounts_reserve, amounts_settle
from tenants.errors import QuotaExceeded

# A run may wait behind many others. One that ends later than this is counted all the same.
LEASE_SECONDS = 3_600
_WHOLE = {"runs": 1, "ai_replies": 1}

log = structlog.get_logger(__name__)


def message_count(event_id: UUID) -> bool:
    """Count a visitor's message; False when the month's messages are used up.

    Idempotent by the event. The message itself is stored already, and stays.
    """
    reservation_id, amounts = f"message:{event_id}", {"messages": 1}
    try:
        amounts_reserve(reservation_id=reservation_id, amounts=amounts)
    except QuotaExceeded:
        return False
    except RedisError as error:
        log.warning("message_uncounted", error=type(error).__name__)
        return True
    amounts_settle(reservation_id=reservation_id, amounts=amounts)
    return True


def run_hold(run_id: UUID) -> None:
    """Hold a run and a reply; raises ``QuotaExceeded``."""
    try:
        amounts_reserve(
            reservation_id=_reservation(run_id), amounts=_WHOLE, lease_seconds=LEASE_SECONDS
        )
    except RedisError as error:
        log.warning("run_uncounted", run=str(run_id), error=type(error).__name__)


def run_let_go(run_id: UUID) -> None:
    """Give back what was held for a run that never began."""
    amounts_release(reservation_id=_reservation(run_id), amounts=_WHOLE)


def run_settle(run_id: UUID, *, has_replied: bool) -> None:
    """Count a run that is over, and its reply if it sent one. Idempotent."""
    amounts = {"runs": 1, "ai_replies": int(has_replied)}
    amounts_settle(reservation_id=_reservation(run_id), amounts=amounts)


def _reservation(run_id: UUID) -> str:
    return f"run:{run_id}"
