"""Words and shapes of the workflows app, free of Django."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

DEFAULT_WORKFLOW = "customer_support"


class VersionState(StrEnum):
    """Where a version of a workflow stands; library versions come with the release.

    A draft is a text on record, a validated one compiled without mistakes, the published one
    answers, a retired one did.
    """

    LIBRARY = "library"
    DRAFT = "draft"
    VALIDATED = "validated"
    PUBLISHED = "published"
    RETIRED = "retired"


# States of texts that never answered anybody: nothing depends on their being kept.
UNPUBLISHED = frozenset({VersionState.DRAFT, VersionState.VALIDATED})
# States from which a version may be made the one that answers; a library's text published stays
# the answer when a later release brings another.
PUBLISHABLE = frozenset(VersionState) - {VersionState.DRAFT}


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
