"""How a guarded call is refused or broken off, and which errors are worth another attempt."""

from __future__ import annotations

from core.errors import DomainError, ServiceUnavailable


class DeadlineExceeded(DomainError):
    """The time that the caller gave had passed before the work was done."""

    code = "timeout"
    title = "This took longer than there was time for."
    http_status = 504
    retryable = True


class Cancelled(DomainError):
    """Whoever asked for the work no longer wants it; what it had begun was broken off."""

    code = "cancelled"
    title = "This was cancelled before it was done."
    http_status = 409


class BulkheadFull(ServiceUnavailable):
    """As many calls as are allowed at once are already under way; this one was not begun."""

    code = "bulkhead_full"
    title = "Too many calls of this kind are under way."


class BreakerOpen(ServiceUnavailable):
    """The calls before this one failed, so no more are made until `retry_after` seconds passed."""

    code = "breaker_open"
    title = "What this calls has failed repeatedly and is left alone for a moment."


def is_retryable(error: BaseException) -> bool:
    """Tell whether another attempt may succeed: the error says so, or the network failed."""
    if isinstance(error, DomainError):
        return error.retryable
    return isinstance(error, ConnectionError | TimeoutError)


def is_failure(error: BaseException) -> bool:
    """Tell whether an error speaks against what was called: all but refusals of the request."""
    return not isinstance(error, DomainError) or error.retryable
