"""Take over runs whose worker is gone, and wake those whose time has come.

Every process that works on runs looks out for them, one at a time for all (an advisory lock): so a
takeover needs one living worker and Postgres, and neither beat nor the relay. A worker is gone when
its lease has lapsed, or when Postgres has ended its session (`workflows.engine.presence`). Only
workspaces where something is due are visited. A sweep of very many still takes a while; then the
pause grows with it, so that sweeping never keeps a core busy.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connections

from core import directory, tenancy
from core.db.leadership import CONNECTION_LOST, Session, lead_check, lead_try, session_open
from core.tenancy import TenantContext
from workflows import services
from workflows.dispatch import runs_released
from workflows.due import tenants_due
from workflows.engine.presence import FailureDetector, Present

LOCK: Final = 0x46_44_53_57  # "FDSW"
SWEEP_SECONDS: Final = 0.25
REST: Final = 3.0  # at least so many times as long as a sweep took nothing is swept
RECONNECT_SECONDS: Final = 0.2

log = structlog.get_logger(__name__)


class Sweeper:
    """The thread of one process that sweeps while no other process does."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, daemon=True, name="sweeper")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End; a sweep in progress is finished first, for five seconds at most."""
        self.stopping.set()
        self._thread.join(5.0)

    def run(self) -> None:
        """Sweep until stopped; connects again after the database went away."""
        tenancy.enter_public()
        while not self.stopping.is_set():
            try:
                with session_open("sweeper") as session:
                    self._take_turns(session)
            except CONNECTION_LOST as error:
                log.warning("sweeper_connection_lost", reason=str(error)[:200])
                self.stopping.wait(RECONNECT_SECONDS)
            finally:
                connections.close_all()

    def _take_turns(self, session: Session) -> None:
        """Wait to become the leader, and sweep from then on."""
        while not self.stopping.is_set() and not lead_try(session, LOCK):
            self.stopping.wait(SWEEP_SECONDS)
        detector = FailureDetector()
        while not self.stopping.is_set():
            began = time.monotonic()
            sweep(session, detector.observe(session))
            took = time.monotonic() - began
            self.stopping.wait(max(SWEEP_SECONDS, REST * took))


def sweep(session: Session, present: Present | None = None) -> None:
    """Take over what dead workers held in every workspace, and wake what waits.

    One workspace's trouble does not strand the others' runs; raises when the database is gone. Who
    is ``present`` may be unknown: then the leases alone tell who is dead.
    """
    takeover = partial(services.runs_sweep, takes_over=True, present=present)
    for tenant in tenants_due(directory.tenants_active(), present):
        _visit(session, tenant, takeover)
    if present is not None and present.has_lost:
        _recover(session)


def _recover(session: Session) -> None:
    """Let others begin what was sent to a worker that has gone."""
    for tenant_id, run_ids in runs_released().items():
        tenant = directory.tenant_by_id(tenant_id)
        if tenant is not None:
            _visit(session, tenant, partial(services.runs_recover, run_ids))


def _visit(session: Session, tenant: TenantContext, work: Callable[[], object]) -> None:
    with tenancy.tenant_scope(tenant):
        try:
            work()
        except (OperationalError, InterfaceError):
            log.exception("sweep_failed", tenant=tenant.slug)
            lead_check(session)
        except Exception:  # whatever it is: the sweeper is what the others' runs depend on
            log.exception("sweep_failed", tenant=tenant.slug)
