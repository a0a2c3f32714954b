"""What breaks work off, whichever comes first: its deadline or its cancellation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

from core.resilience.callback import Callback
from core.resilience.cancellation import cancellation_check, current_token
from core.resilience.deadline import deadline, deadline_check, seconds_within
from core.resilience.watchdog import call_at


def interruption_check() -> None:
    """Raise Cancelled or DeadlineExceeded when there is no reason to go on."""
    cancellation_check()
    deadline_check()


def pause(seconds: float) -> None:
    """Sleep, no longer than until the deadline or a cancellation; raises as the check does."""
    current_token().wait(seconds_within(seconds))
    interruption_check()


@contextmanager
def aborting(abort: Callable[[], None]) -> Iterator[None]:
    """Call `abort` from another thread, once, if the block is to be broken off.

    `abort` makes the block end soon: it shuts down the socket that the block reads from. However
    the block ends then, Cancelled or DeadlineExceeded is raised; a body cut short may look like a
    complete one. A block that ended by itself is left as it is. After the block `abort` is never
    called. It must be quick.
    """
    interruption_check()
    is_aborted = Event()

    def abort_once() -> None:
        is_aborted.set()
        abort()

    with _called_on_interruption(Callback(abort_once)):
        try:
            yield
        except Exception:
            interruption_check()
            raise
    if is_aborted.is_set():
        interruption_check()


@contextmanager
def _called_on_interruption(callback: Callback) -> Iterator[None]:
    at = deadline()
    with ExitStack() as attached:
        attached.callback(callback.detach)
        attached.callback(current_token().on_cancel(callback.run))
        if at is not None:
            attached.callback(call_at(at, callback.run))
        yield
