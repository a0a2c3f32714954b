"""Words and shapes of the workflows app, free of Django."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

DEFAULT_WORKFLOW = "customer_support"


class VersionState(StrEnum):
    """Where a version of a workflow stands; library versions come with the release."""

    LIBRARY = "library"
    PUBLISHED = "published"
    RETIRED = "retired"


class WaitKind(StrEnum):
    """What a run may wait for."""

    TIMER = "timer"
    QUESTION = "question"
    APPROVAL = "approval"


class WaitState(StrEnum):
    """Where a wait stands; all but the first are final."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that exists now; ``is_new`` is false when the trigger had started it before."""

    id: UUID
    is_new: bool
