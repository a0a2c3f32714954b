"""What a run takes of the plan's quotas: held when it starts, settled when it is over.

Without Redis nothing is held and the run goes on: it costs no money, because remote models refuse
then, and the ledger counts it all the same.
"""

from uuid import UUID

import structlog

from core.errors import DomainError
from tenants.admission.admit import Work, admit
from tenants.admission.holds import amounts_release, amounts_settle
from tenants.errors import SwitchedOff

# A run may wait behind many others. One that ends later than this is counted all the same.
LEASE_SECONDS = 3_600
_WHOLE = {"runs": 1, "ai_replies": 1}

log = structlog.get_logger(__name__)


def message_admit(event_id: UUID) -> str:
    """Count a visitor's message; returns why the AI may not answer it, "" when it may.

    Idempotent by the event. The message itself is stored already, and stays.
    """
    reservation_id, amounts = f"message:{event_id}", {"messages": 1}
    refusal = admit(
        purpose="answer", work=Work(amounts=amounts, reservation_id=reservation_id)
    ).refusal
    if refusal is None:
        amounts_settle(reservation_id=reservation_id, amounts=amounts)
    return _reason(refusal)


def run_hold(run_id: UUID) -> str:
    """Hold a run and a reply; returns why there may be none, "" when there may."""
    work = Work(amounts=_WHOLE, reservation_id=_reservation(run_id), lease_seconds=LEASE_SECONDS)
    return _reason(admit(purpose="answer", work=work).refusal)


def _reason(refusal: DomainError | None) -> str:
    if refusal is None:
        return ""
    log.warning("answer_refused", code=refusal.code)
    return "people_only" if isinstance(refusal, SwitchedOff) else "quota_exceeded"


def run_let_go(run_id: UUID) -> None:
    """Give back what was held for a run that never began."""
    amounts_release(reservation_id=_reservation(run_id), amounts=_WHOLE)


def run_settle(run_id: UUID, *, has_replied: bool) -> None:
    """Count a run that is over, and its reply if it sent one. Idempotent."""
    amounts = {"runs": 1, "ai_replies": int(has_replied)}
    amounts_settle(reservation_id=_reservation(run_id), amounts=amounts)


def _reservation(run_id: UUID) -> str:
    return f"run:{run_id}"
