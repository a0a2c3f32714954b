"""What workflows does when something happens elsewhere."""

from core.events import StoredEvent, catalogue, subscriber
from workflows import services


@subscriber("workflows.start_run", catalogue.MessageReceived, urgent=True)
def run_start_for_message(stored: StoredEvent) -> None:
    """Answer a visitor's message."""
    event = stored.event
    if isinstance(event, catalogue.MessageReceived):
        services.message_answer(
            conversation_id=event.conversation_id, event_id=stored.event_id, seq=event.seq
        )


def _leaves_a_turn(event: catalogue.Event) -> bool:
    """Tell whether a conversation may have more to answer; after a failure it is a person's."""
    if not isinstance(event, catalogue.RunCompleted) or event.conversation_id is None:
        return False
    return event.status not in {"failed", "compensated", "stuck"}


@subscriber("workflows.follow_up", catalogue.RunCompleted, concerns=_leaves_a_turn)
def run_start_for_rest(stored: StoredEvent) -> None:
    """Answer what the visitor wrote while the run went on: no second run was started then.

    The worker of the run does so at once (``run_execute``); this is the guarantee behind it.
    """
    event = stored.event
    if isinstance(event, catalogue.RunCompleted) and event.conversation_id is not None:
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
