"""What surrounds a step: how long, how often, at what cost it may be tried, and what undoes it."""

from dataclasses import dataclass

from workflows.spec.values import Value

RETRYABLE = "retryable"
TIMEOUT = "timeout"
ANY = "any"


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again on these error codes, ``max`` times in all; waits are seconds.

    ``on`` may hold ``retryable`` (errors that say so of themselves), ``timeout`` and ``any``. The
    wait before attempt ``n + 1`` is ``backoff * factor ** (n - 1)``, at most ``max_backoff``, less
    a random share of up to ``jitter``.
    """

    on: frozenset[str] = frozenset({RETRYABLE, TIMEOUT})
    max: int = 3
    backoff: float = 1.0
    factor: float = 2.0
    max_backoff: float = 60.0
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class Catch:
    """Go to ``next`` on these error codes, ``timeout`` or ``any``, once no attempt is left."""

    on: frozenset[str]
    next: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent; None where there is no bound. Cost in millionths of the currency."""

    wall_ms: int | None = None
    tokens: int | None = None
    cost_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Bulkhead:
    """At most ``limit`` of the tenant's steps under this name at once."""

    name: str
    limit: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """Refuse calls under this name for a while after so many failures in a row."""

    name: str
    failures: int
    reset_seconds: float


@dataclass(frozen=True, slots=True)
class Compensation:
    """The tool that undoes a finished step, and its input as it was when the step finished."""

    tool: str
    input: Value


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything about how a step is tried."""

    timeout_seconds: float | None = None
    retry: Retry | None = None
    catches: tuple[Catch, ...] = ()
    budget: Budget | None = None
    bulkhead: Bulkhead | None = None
    breaker: Breaker | None = None
    max_visits: int | None = None
