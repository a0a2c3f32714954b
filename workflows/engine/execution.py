"""Drive a run: each outcome is committed before what follows it begins.

One worker walks a run for as long as anything can be done, and branches that are open side by side
are walked side by side. Then the run is over, or it waits as a row until somebody answers or a time
has come.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from core.errors import DomainError
from core.events.catalogue import Event
from core.observability.logs import log_context
from core.resilience.cancellation import CancelToken, cancel_scope
from workflows.engine import journal, waits
from workflows.engine.events import EventType, RunEvent, RunStatus
from workflows.engine.failures import Failure
from workflows.engine.folding import JournalCorrupt, apply, fold
from workflows.engine.host import ClaimedRun, Host
from workflows.engine.journal import LeaseLost
from workflows.engine.lease import LEASE_LOST, Hold, keeper
from workflows.engine.saga import Saga
from workflows.engine.state import RunState, Token
from workflows.engine.stepping import Stepper
from workflows.spec.graph import Graph
from workflows.spec.kinds import END

MAX_ATTEMPTS: Final = 6
MAX_RESCUES: Final = 12
MAX_SIDE_BY_SIDE: Final = 8
# A pause this short is slept through by the worker that has the run.
SHORT_PAUSE_SECONDS: Final = 1.0

# A database that is started again is back by then; a worker does not wait longer for it.
DATABASE_BACK_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


def run_drive(run_id: UUID, host: Host) -> RunState | None:
    """Carry a run to its end or to where it waits; None when another worker has it or it is over.

    Safe to call any number of times: the lease admits one worker, finished steps are not repeated.
    When the database went away and is back within seconds, the run goes on from what is on record;
    otherwise the lost connection propagates: the lease lapses and the sweep sends the run again.
    """
    run = journal.claim(run_id)
    while run is not None:
        try:
            with log_context(run=run_id, conversation=run.conversation_id):
                return _claimed_drive(run, host)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            log.warning("run_connection_lost", run=str(run_id), reason=str(error)[:200])
            run = _claim_again(run)
    return None


def _claim_again(lost: ClaimedRun) -> ClaimedRun | None:
    """Take a run up once more over a new connection; raises when there is none in time.

    Whether the last commit came through is not known; the events tell.
    """
    until = time.monotonic() + DATABASE_BACK_SECONDS
    while True:
        connection.close()
        try:
            return journal.claim(lost.id, held_as=lost.owner)
        except (OperationalError, InterfaceError):
            if time.monotonic() >= until:
                raise
            time.sleep(AGAIN_SECONDS)


def _claimed_drive(run: ClaimedRun, host: Host) -> RunState | None:
    try:
        with keeper.holding(run) as hold:
            return Drive(run, fold(run.past), host, hold).to_end()
    except JournalCorrupt:
        log.exception("run_journal_corrupt", run=str(run.id))
        host.rescue(run, RunState(), None)
        journal.abandon(run, "journal_corrupt")
        return None
    except LeaseLost:
        log.info("run_lease_lost", run=str(run.id))
        return None


class Drive:
    """One worker's hold on one run: the state reached, and the facts not yet committed."""

    def __init__(self, run: ClaimedRun, state: RunState, host: Host, hold: Hold) -> None:
        self.run = run
        self.state = state
        self.host = host
        self.hold = hold
        self.facts: list[RunEvent] = []
        self.lock = threading.RLock()
        self.root: Graph | None = None
        # What one of several branches came to that ends or redirects them all: it is put on record
        # when the others have finished, so that nothing they did goes unrecorded.
        self.halt: Failure | RunStatus | None = None
        self.side_by_side = 0
        self.leaves_waits = False
        self.graphs: dict[str, Graph] = {}
        # What a step hears of being cancelled from.
        self.cancel = hold.cancel
        self.stepper = Stepper(self)
        hold.state = state

    def to_end(self) -> RunState:
        """Walk until the run is over or waits."""
        self._begin()
        while self.state.status.is_active:
            if self.state.status is RunStatus.RUNNING:
                if not self._go_on():
                    return self.state
            elif self.state.status is RunStatus.COMPENSATING:
                if not self._compensate():
                    return self.state
            else:
                self._rescue()
        return self.state

    def _begin(self) -> None:
        if self.run.attempts > 1:
            self.record(EventType.RUN_RESUMED, "", {"attempt": self.run.attempts})
        if self.state.status is not RunStatus.RUNNING:
            return
        if self.run.cancel_reason:
            self.hold.cancel.cancel(self.run.cancel_reason)
        self._load_graph()
        if self.state.status is RunStatus.RUNNING and self.run.attempts > MAX_ATTEMPTS:
            self.fail("attempts_exhausted", "No worker could finish it.")
            self.commit()

    def _load_graph(self) -> None:
        try:
            self.root = self.graph("")
        except (DomainError, ValueError) as error:
            log.exception("run_graph_unusable", run=str(self.run.id))
            self.fail("workflow_unusable", type(error).__name__)
            self.commit()

    def graph(self, scope: str) -> Graph:
        """Return the graph that a scope walks: the run's, or its sub-workflow's."""
        workflow, content_hash = self.run.text_at(self.state, scope)
        found = self.graphs.get(content_hash)
        if found is None:
            found = self.host.graph(workflow=workflow, content_hash=content_hash)
            self.graphs[content_hash] = found
        return found

    # --- walking

    def _go_on(self) -> bool:
        """Do what can be done; False when the run waits now and was given back."""
        self._cancel_if_asked()
        if self.state.status is not RunStatus.RUNNING:
            return True
        with cancel_scope(self.cancel):
            self._walk("")
        has_halted = self._settle_halt()
        is_over = self.state.status is not RunStatus.RUNNING
        if has_halted or is_over or self.hold.cancel.is_cancelled:
            self.commit()
            return True
        if self.state.cursor == END:
            self._complete()
            return True
        return self._take_up() or not self._suspend()

    def _cancel_if_asked(self) -> None:
        reason = self.hold.cancel.reason
        if reason == LEASE_LOST:
            raise LeaseLost(str(self.run.id))
        if reason:
            self._calls_settle()
            if self.state.status is RunStatus.RUNNING:
                self.record(EventType.RUN_CANCELLED, "", {"reason": reason})
            self.commit()

    def _calls_settle(self) -> None:
        """Learn what became of calls in doubt: what was done has to be undone like the rest."""
        self.cancel = CancelToken()
        for scope in [scope for scope, token in self.state.tokens.items() if token.call]:
            if self.state.status is RunStatus.RUNNING:
                self.stepper.advance(scope)

    def _walk(self, within: str) -> None:
        """Advance everything at or inside a scope until nothing there can go on."""
        while self._may_go_on():
            due = self._due(within)
            if not due:
                return
            if len(due) == 1:
                self.stepper.advance(due[0])
            else:
                self._fan_out(due)

    def _may_go_on(self) -> bool:
        return (
            self.halt is None
            and self.state.status is RunStatus.RUNNING
            and not self.hold.cancel.is_cancelled
        )

    def _due(self, within: str) -> list[str]:
        state = self.state
        if len(state.tokens) == 1:
            token = state.tokens.get(within)
            return [within] if token and token.is_ready and _is_due(token) else []
        return [scope for scope in state.ready(within) if _is_due(state.tokens[scope])]

    def _fan_out(self, scopes: Sequence[str]) -> None:
        """Walk several scopes side by side, each in a thread with the tenant of this one."""
        with self.lock:
            self.side_by_side += 1
        try:
            with ThreadPoolExecutor(min(len(scopes), MAX_SIDE_BY_SIDE)) as pool:
                walks = [
                    pool.submit(copy_context().run, self._walk_aside, scope) for scope in scopes
                ]
            for walk in walks:
                walk.result()
        finally:
            with self.lock:
                self.side_by_side -= 1

    def _walk_aside(self, scope: str) -> None:
        try:
            self._walk(scope)
        finally:
            connection.close()

    def _settle_halt(self) -> bool:
        """Put on record what made one branch stop the others; True if one did.

        Where it is caught, all of them go on.
        """
        halt, self.halt = self.halt, None
        if isinstance(halt, RunStatus):
            self.end(halt)
        elif halt is not None:
            self.stepper.settler.fail(halt)
        return halt is not None

    def _complete(self) -> None:
        """End a run that has come through: its result must be what the workflow promises."""
        self.stepper.settler.finish()
        self.commit()

    # --- waiting

    def _take_up(self) -> bool:
        """Put answers that came, and times that are over, on record; False when there are none."""
        waiting = {t.wait.key: (scope, t) for scope, t in self.state.tokens.items() if t.wait}
        if not waiting:
            return False
        settled = {found.key: found for found in waits.waits_settled(self.run.id, list(waiting))}
        expired = []
        for key, (scope, token) in sorted(waiting.items()):
            if key in settled:
                self._close_wait(scope, token, settled[key].outcome, dict(settled[key].answer))
            elif _is_over(token):
                self._close_wait(scope, token, "expired", {})
                expired.append(key)
        if not self.facts:
            return False
        with transaction.atomic():
            waits.waits_settle(self.run.id, expired, "expired")
            self.commit()
        return True

    def _close_wait(self, scope: str, token: Token, outcome: str, value: dict[str, Any]) -> None:
        assert token.wait is not None
        turn = {"turn": value.pop("turn")} if "turn" in value else {}
        payload = {"wait": token.wait.key, "outcome": outcome, "value": value, **turn}
        self.record(EventType.WAIT_CLOSED, token.cursor, payload, scope)

    def _suspend(self) -> bool:
        """Sleep through a short pause, or give the run back until it is woken; False to go on."""
        self.commit()
        wake_at = min(_pauses(self.state), default=None)
        if wake_at is not None:
            seconds = (wake_at - timezone.now()).total_seconds()
            if seconds <= SHORT_PAUSE_SECONDS:
                self.hold.deadline += max(0.0, seconds)
                self.hold.cancel.wait(max(0.0, seconds))
                return False
        return self._give_back(wake_at)

    def _give_back(self, wake_at: datetime | None) -> bool:
        with transaction.atomic():
            journal.lock(self.run)
            if self._is_answered():
                return False
            asks = any(wait.kind == "question" for wait in self.state.waits.values())
            journal.suspend(self.run, self.state, wake_at=wake_at, keeps_turn=asks)
        return True

    def _is_answered(self) -> bool:
        is_running = self.state.status is RunStatus.RUNNING
        return is_running and bool(waits.waits_settled(self.run.id, list(self.state.waits)))

    # --- failing

    def _compensate(self) -> bool:
        """Undo what was done; False when the run waits for another attempt."""
        wake_at = Saga(self).unwind()
        if wake_at is None:
            return True
        return not self._give_back(wake_at)

    def _rescue(self) -> None:
        """Bring a person in, and only then end the run: a crash in between repeats the rescue."""
        status = _final_status(self.state)
        try:
            if status is not RunStatus.CANCELLED:
                self.host.rescue(self.run, self.state, self.root)
        except DomainError as error:
            log.warning("run_rescue_refused", run=str(self.run.id), code=error.code)
        except Exception:
            log.exception("run_rescue_failed", run=str(self.run.id))
            if self.run.attempts <= MAX_RESCUES:
                raise
        self.end(status)
        self.commit()

    def fail(self, code: str, detail: str) -> None:
        """Fail the run as a whole, where no step can catch it."""
        doubts = self.stepper.settler.undoing.doubts() if self.root else {}
        payload = {"kind": "", "code": code, "detail": detail[:500], **doubts}
        self.record(EventType.STEP_FAILED, self.state.cursor, payload)

    # --- recording

    def end(self, status: RunStatus, result: dict[str, Any] | None = None) -> None:
        """Record that the run is over."""
        self.leaves_waits = bool(self.state.waits)
        shown = {"result": result} if result else {}
        self.record(EventType.RUN_ENDED, "", {"status": status.value, **shown})

    def record(
        self, kind: EventType, step_id: str, payload: dict[str, Any], scope: str = ""
    ) -> None:
        """Add a fact to the state; it is not on record before the next ``commit``."""
        if scope:
            payload["scope"] = scope
        with self.lock:
            fact = journal.fact(self.state.seq + 1, kind, step_id, payload, timezone.now())
            self.state = apply(self.state, fact)
            self.facts.append(fact)
            self.hold.state = self.state

    def commit(self, messages: Sequence[Event] = ()) -> None:
        """Put all facts on record; with the last ones the run's row is brought up to date."""
        with self.lock:
            facts, self.facts = self.facts, []
            if not facts:
                return
            if self.state.status.is_active:
                journal.append(self.run, facts, messages=messages)
            else:
                self._close(facts, messages)
            self.host.committed(self.run, self.state, facts)

    def _close(self, facts: Sequence[RunEvent], messages: Sequence[Event]) -> None:
        closing = [*messages, *self.host.closing_events(self.run, self.state)]
        if not self.leaves_waits:
            journal.close(self.run, self.state, facts, messages=closing)
            return
        with transaction.atomic():
            waits.waits_close(self.run.id)
            journal.close(self.run, self.state, facts, messages=closing)


def _is_due(token: Token) -> bool:
    return not token.not_before or datetime.fromisoformat(token.not_before) <= timezone.now()


def _is_over(token: Token) -> bool:
    if token.wait is None or not token.wait.until:
        return False
    return datetime.fromisoformat(token.wait.until) <= timezone.now()


def _pauses(state: RunState) -> list[datetime]:
    """Return the times at which something can go on by itself."""
    times = [token.wait.until for token in state.tokens.values() if token.wait]
    times += [token.not_before for token in state.tokens.values() if token.is_ready]
    return [datetime.fromisoformat(time) for time in times if time]


def _final_status(state: RunState) -> RunStatus:
    statuses = {undo.status for undo in state.undos}
    if "abandoned" in statuses:
        return RunStatus.STUCK
    if state.error.get("code") == "cancelled":
        return RunStatus.CANCELLED
    return RunStatus.COMPENSATED if "done" in statuses else RunStatus.FAILED
