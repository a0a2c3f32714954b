"""What each event uses: a pure mapping from events to quantities of meters."""

from functools import singledispatch

from billing.types import Meter, Usage
from core.events import catalogue

METERED = (
    catalogue.MessageReceived,
    catalogue.ReplyAppended,
    catalogue.RunCompleted,
    catalogue.CompletionGenerated,
    catalogue.DocumentIngested,
    catalogue.AttachmentStored,
)


def usage_of(event: catalogue.Event) -> list[Usage]:
    """Return what an event uses; nothing for an event that is not metered or used nothing."""
    return [usage for usage in _usage(event) if usage.quantity]


@singledispatch
def _usage(event: catalogue.Event) -> list[Usage]:
    return []


@_usage.register
def _message(event: catalogue.MessageReceived) -> list[Usage]:
    return [Usage(Meter.MESSAGES, 1, event.conversation_id)]


@_usage.register
def _reply(event: catalogue.ReplyAppended) -> list[Usage]:
    return [Usage(Meter.AI_REPLIES, 1, event.conversation_id)]


@_usage.register
def _run(event: catalogue.RunCompleted) -> list[Usage]:
    return [Usage(Meter.RUNS, 1, event.run_id)]


@_usage.register
def _completion(event: catalogue.CompletionGenerated) -> list[Usage]:
    return [
        Usage(Meter.TOKENS_IN, event.tokens_in, event.run_id),
        Usage(Meter.TOKENS_OUT, event.tokens_out, event.run_id),
        Usage(Meter.SPEND_MICRO, event.cost_micro, event.run_id),
    ]


@_usage.register
def _document(event: catalogue.DocumentIngested) -> list[Usage]:
    return [
        Usage(Meter.DOCUMENTS, 1, event.document_id),
        Usage(Meter.STORAGE_BYTES, event.bytes, event.document_id),
    ]


@_usage.register
def _attachment(event: catalogue.AttachmentStored) -> list[Usage]:
    return [Usage(Meter.STORAGE_BYTES, event.bytes, event.attachment_id)]
