"""What workflows does when something happens elsewhere."""

from core.events import StoredEvent, catalogue, subscriber
from workflows import services
from workflows.engine.events import RunStatus


@subscriber("workflows.start_run", catalogue.MessageReceived, urgent=True)
def run_start_for_message(stored: StoredEvent) -> None:
    """Answer a visitor's message."""
    event = stored.event
    if isinstance(event, catalogue.MessageReceived):
        services.message_answer(conversation_id=event.conversation_id, event_id=stored.event_id)


@subscriber("workflows.follow_up", catalogue.RunCompleted, urgent=True)
def run_start_for_rest(stored: StoredEvent) -> None:
    """Answer what the visitor wrote while the run went on: no second run was started then.

    Not after a failure: the conversation is a person's now, and a run that fails each time must
    not start itself again.
    """
    event = stored.event
    if not isinstance(event, catalogue.RunCompleted) or event.status == RunStatus.FAILED:
        return
    if event.conversation_id is not None:
        services.turn_answer(
            conversation_id=event.conversation_id, trigger_event_id=stored.event_id
        )


@subscriber("workflows.take_back", catalogue.ConversationHandedBack, urgent=True)
def run_start_after_agent(stored: StoredEvent) -> None:
    """Answer what nobody answered before an agent gave the conversation back."""
    event = stored.event
    if isinstance(event, catalogue.ConversationHandedBack):
        services.turn_answer(
            conversation_id=event.conversation_id, trigger_event_id=stored.event_id
        )
