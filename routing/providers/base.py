"""The one interface every model provider implements."""

from typing import Protocol

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

        `deadline` is a point of `time.monotonic()`; the caller's own deadline and cancellation hold
        as well (`core.resilience`). A provider asks for them between units of work and aborts what
        blocks. Raises DeadlineExceeded, Cancelled, ProviderUnavailable.
        """
        ...
