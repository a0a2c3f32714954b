"""Keep the leases of the runs this process drives.

A lease is short, so that a dead worker's runs go on elsewhere within seconds; a step may be long.
One thread per process renews the leases of its runs, but never beyond the deadline of the step in
progress: a step that hangs loses its run. Each renewal also brings the run's row up to date, and
brings back whether the run is to be cancelled.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, connection

from core.resilience.cancellation import CancelToken
from workflows.engine import journal
from workflows.engine.host import ClaimedRun
from workflows.engine.journal import LEASE_SECONDS, LeaseLost
from workflows.engine.state import RunState

RENEW_SECONDS = LEASE_SECONDS / 4
LEASE_LOST = "lease_lost"

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Hold:
    """A run in this process's hands: when its lease was last renewed, and until when it may be."""

    run: ClaimedRun
    renewed_at: float
    deadline: float
    state: RunState = field(default_factory=RunState)
    cancel: CancelToken = field(default_factory=CancelToken)
    context: Context = field(default_factory=copy_context)

    def renewed(self) -> None:
        """Note that the lease was just renewed."""
        self.renewed_at = time.monotonic()

    def is_due(self, now: float) -> bool:
        """Tell whether the lease wants renewing and the step is still within its time."""
        return now - self.renewed_at >= RENEW_SECONDS and now < self.deadline


class LeaseKeeper:
    """The process's holds and the thread that renews them; the thread starts with the first."""

    def __init__(self) -> None:
        self._holds: set[Hold] = set()
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, run: ClaimedRun) -> Iterator[Hold]:
        """Keep a run's lease while the block lasts."""
        hold = Hold(run, renewed_at=time.monotonic(), deadline=time.monotonic() + LEASE_SECONDS)
        with self._lock:
            self._holds.add(hold)
            self._some.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew_all, daemon=True, name="leases")
                self._thread.start()
        try:
            yield hold
        finally:
            with self._lock:
                self._holds.discard(hold)
                if not self._holds:
                    self._some.clear()

    def _renew_all(self) -> None:
        while True:
            self._some.wait()
            time.sleep(RENEW_SECONDS / 2)
            with self._lock:
                due = [hold for hold in self._holds if hold.is_due(time.monotonic())]
            for hold in due:
                hold.context.run(_renew, hold)


def _renew(hold: Hold) -> None:
    """Renew one lease, in the tenant of the thread that drives the run."""
    try:
        reason = journal.extend(hold.run, hold.state, LEASE_SECONDS)
        hold.renewed()
        if reason:
            hold.cancel.cancel(reason)
    except LeaseLost:
        hold.deadline = 0.0  # somebody else has the run; its next commit here will fail
        hold.cancel.cancel(LEASE_LOST)
    except DatabaseError:
        log.warning("lease_not_renewed", run=str(hold.run.id))
    finally:
        connection.close()


keeper = LeaseKeeper()
