"""What can go wrong in a step, and where a workflow says what is to be done then."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from core.errors import DomainError
from workflows.engine.journal import PayloadRefused
from workflows.spec.conditions import ConditionFailed
from workflows.spec.graph import Node, Retry

# A run that goes in circles or is used up is not to be talked out of it.
UNCATCHABLE = frozenset({"no_progress", "oscillation", "step_limit", "attempts_exhausted"})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step could not be done; ``began`` is a moment of ``time.perf_counter``."""

    scope: str
    step_id: str
    kind: str
    code: str
    detail: str
    is_retryable: bool = False
    began: float | None = None


# What a step may raise that says by itself what is wrong.
TELLING = (DomainError, ConditionFailed, PayloadRefused, ValidationError, TimeoutError)


def failure(scope: str, node: Node, code: str, detail: str) -> Failure:
    """Return a failure that no other attempt would change."""
    return Failure(scope, node.id, node.kind.name, code, detail[:500])


def failure_of(
    scope: str, error: Exception, node: Node | None = None, began: float | None = None
) -> Failure:
    """Turn what a step, or the run as a whole, raised into a failure."""
    code, detail, is_retryable = _told(error)
    step_id, kind = (node.id, node.kind.name) if node else ("", "")
    return Failure(scope, step_id, kind, code, detail[:500], is_retryable, began)


def _told(error: Exception) -> tuple[str, str, bool]:
    match error:
        case DomainError():
            return error.code, str(error.detail), error.retryable
        case ConditionFailed():
            return "condition_failed", str(error), False
        case PayloadRefused():
            return "payload_refused", str(error), False
        case ValidationError():
            return "output_invalid", f"{error.error_count()} values break the contract.", False
        case TimeoutError():
            return "timeout", "It took too long.", True
    return "internal_error", type(error).__name__, False


def is_meant(words: frozenset[str], failed: Failure) -> bool:
    """Tell whether a list of error codes, ``any`` or ``retryable`` speaks of a failure."""
    if "any" in words or failed.code in words:
        return True
    return failed.is_retryable and "retryable" in words


def may_retry(retry: Retry | None, failed: Failure, attempt: int) -> bool:
    """Tell whether a step that failed for the ``attempt``-th time is to be tried again."""
    if retry is None or failed.code in UNCATCHABLE:
        return False
    return attempt < retry.max and is_meant(retry.on, failed)


def catchers(nodes: Iterator[tuple[str, Node]], failed: Failure) -> Iterator[tuple[str, str]]:
    """Yield (scope, next step) for each catch that speaks of a failure, innermost first."""
    if failed.code in UNCATCHABLE:
        return
    for scope, node in nodes:
        for caught in node.policy.catches:
            if is_meant(caught.on, failed):
                yield scope, caught.next
