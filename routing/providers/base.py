"""The one interface every model provider implements."""

import time
from typing import Protocol

from routing.errors import DeadlineExceeded
from routing.pricing import ModelPrice
from routing.types import Completion, CompletionRequest


class Provider(Protocol):
    """A model behind a name; `complete` may do network calls and is never run in a transaction."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def price(self) -> ModelPrice: ...

    def complete(self, request: CompletionRequest, *, deadline: float | None) -> Completion:
        """Answer from the request's evidence, or abstain.

        `deadline` is a point of `time.monotonic()`. Raises DeadlineExceeded, ProviderUnavailable.
        """
        ...


def deadline_check(deadline: float | None) -> None:
    """Raise DeadlineExceeded when the caller no longer waits."""
    if deadline is not None and time.monotonic() >= deadline:
        raise DeadlineExceeded
