"""Undo what a run did before it failed: in reverse order, each once, whatever dies in between.

The sagas of Garcia-Molina and Salem (1987): each finished step has left on record how to undo it,
with its inputs of then. An undoing is itself a tool call with a key of its own, written ahead, so
after a crash it is repeated under the same key. One that keeps failing is given up visibly: the run
ends as stuck, and a person is asked. What ran in parallel is undone side by side.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from core.errors import DomainError
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from workflows.engine.calling import tool_attempt
from workflows.engine.events import EventType
from workflows.engine.journal import LeaseLost
from workflows.engine.state import Undo
from workflows.engine.tool import tool_get

if TYPE_CHECKING:
    from workflows.engine.execution import Drive

# Waits between the attempts of one compensation, in seconds; after the last one it is given up.
RETRY_SECONDS: Final = (1.0, 5.0, 25.0, 60.0, 120.0)
MAX_SIDE_BY_SIDE: Final = 8
GRACE_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Saga:
    """Compensates one drive's run."""

    def __init__(self, drive: "Drive") -> None:
        self.drive = drive

    def unwind(self) -> datetime | None:
        """Undo everything that is open; returns when to go on, or None when nothing is left."""
        while batch := _next_batch(self.drive.state.undos):
            lines = _lines(batch)
            if len(lines) == 1:
                self._undo_line(lines[0])
            else:
                self._side_by_side(lines)
            pauses = [undo.not_before for undo in self.drive.state.undos if undo.not_before]
            if pauses:
                return datetime.fromisoformat(min(pauses))
        return None

    def _side_by_side(self, lines: Sequence[Sequence[Undo]]) -> None:
        with ThreadPoolExecutor(min(len(lines), MAX_SIDE_BY_SIDE)) as pool:
            done = [pool.submit(copy_context().run, self._undo_aside, line) for line in lines]
        for each in done:
            each.result()

    def _undo_aside(self, line: Sequence[Undo]) -> None:
        try:
            self._undo_line(line)
        finally:
            connection.close()

    def _undo_line(self, line: Sequence[Undo]) -> None:
        """Undo one after the other, the latest first, up to one that has to be tried again."""
        for undo in line:
            if _is_early(undo) or not self._undo(undo):
                return

    def _undo(self, undo: Undo) -> bool:
        """Make one attempt; False if there has to be another."""
        try:
            tool = tool_get(undo.tool)
            self._record(EventType.COMPENSATION_REQUESTED, undo)
            seconds = tool.timeout_seconds
            self._lease_until(time.monotonic() + seconds + GRACE_SECONDS)
            # A run that is cancelled still has to be undone: this call has a token of its own.
            with deadline_scope(seconds), cancel_scope(CancelToken()) as token:
                tool_attempt(
                    tool,
                    key=undo.key,
                    input=undo.input,
                    run_id=self.drive.run.id,
                    conversation_id=self.drive.run.conversation_id,
                    cancel=token,
                    is_in_doubt=undo.status == "requested",
                )
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except DomainError as error:
            return self._failed(undo, error.code, str(error.detail))
        except Exception as error:
            log.exception("compensation_failed", step=undo.step_id, tool=undo.tool)
            return self._failed(undo, "internal_error", type(error).__name__)
        self._record(EventType.COMPENSATION_SUCCEEDED, undo)
        return True

    def _lease_until(self, moment: float) -> None:
        self.drive.hold.deadline = max(self.drive.hold.deadline, moment)

    def _failed(self, undo: Undo, code: str, detail: str) -> bool:
        """Plan another attempt, or give up: then the next ones are undone all the same."""
        told = {"code": code, "detail": detail[:500], "attempt": undo.attempt + 1}
        if undo.attempt >= len(RETRY_SECONDS) or code in {"tool_in_doubt", "tool_unknown"}:
            log.error("compensation_abandoned", step=undo.step_id, tool=undo.tool, code=code)
            self._record(EventType.COMPENSATION_ABANDONED, undo, told)
            return True
        until = timezone.now() + timedelta(seconds=RETRY_SECONDS[undo.attempt])
        self._record(EventType.COMPENSATION_FAILED, undo, {**told, "until": until.isoformat()})
        return False

    def _record(self, kind: EventType, undo: Undo, more: dict[str, Any] | None = None) -> None:
        payload = {"key": undo.key, "tool": undo.tool, **(more or {})}
        with self.drive.lock:
            self.drive.record(kind, undo.step_id, payload)
            self.drive.commit()


def _next_batch(undos: Sequence[Undo]) -> list[Undo]:
    """Return what may be undone now, the latest first: one, or all of one parallel group."""
    for undo in reversed(undos):
        if undo.is_open:
            if not undo.group:
                return [undo]
            return [other for other in reversed(undos) if _is_with(other, undo)]
    return []


def _is_with(other: Undo, undo: Undo) -> bool:
    return other.is_open and other.group == undo.group


def _lines(batch: Sequence[Undo]) -> list[list[Undo]]:
    """Split a parallel group into its branches; the order within each stays."""
    ordered = sorted(batch, key=_branch)
    return [list(line) for _, line in groupby(ordered, key=_branch)]


def _branch(undo: Undo) -> str:
    return undo.scope[len(undo.group) + 1 :].partition("/")[0] if undo.group else ""


def _is_early(undo: Undo) -> bool:
    if not undo.not_before:
        return False
    return datetime.fromisoformat(undo.not_before) > timezone.now()
