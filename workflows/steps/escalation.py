"""``escalation``: hand the conversation to a person, which ends the run."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from conversations.errors import StaleReply
from conversations.selectors import turn_context
from conversations.services import handover_request
from conversations.types import DEFAULT_QUEUE, ConversationState
from workflows.engine.events import RunStatus
from workflows.engine.step import Step, StepContext, StepFailed, StepOutcome, StepOutput, step
from workflows.spec.kinds import StepConfig

Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Queue = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class EscalationConfig(StepConfig):
    """Why a person is needed: a word that agents see and reports count.

    ``escalation_queue`` is where the conversation waits for one; ``notification_channels`` say how
    people want to be told and are on record with the workflow.
    """

    reason: Reason = "requested"
    escalation_queue: Queue = DEFAULT_QUEUE
    notification_channels: Annotated[list[Literal["email", "slack"]], Field(max_length=2)] = []


class EscalationOutput(StepOutput):
    """Why, and whether the conversation was handed over by this run."""

    reason: str
    handed_over: bool


@step
class EscalationStep(Step[EscalationConfig, EscalationOutput]):
    """Queue the conversation for a person."""

    name = "escalation"
    config = EscalationConfig
    output = EscalationOutput
    ends: ClassVar[bool] = True

    def run(self, config: EscalationConfig, context: StepContext) -> StepOutcome[EscalationOutput]:
        """Hand over; if a person already took the conversation, the run is superseded."""
        if context.conversation_id is None:
            raise StepFailed("An escalation needs a conversation.")
        try:
            handover_request(
                conversation_id=context.conversation_id,
                fence=context.turn["fence"],
                reason=config.reason,
                run_id=context.run_id,
                queue=config.escalation_queue,
            )
        except StaleReply:
            output = EscalationOutput(reason=config.reason, handed_over=False)
            return StepOutcome(output, ends_as=RunStatus.SUPERSEDED)
        output = EscalationOutput(reason=config.reason, handed_over=True)
        result = {"handover": config.reason}
        return StepOutcome(output, ends_as=RunStatus.HANDED_OVER, result=result)


def rescue(*, conversation_id: UUID, run_id: UUID | None) -> None:
    """Bring a person in for a run that failed or could not begin, whatever its workflow says.

    Without a fence: somebody must answer even if the conversation changed hands meanwhile. A
    conversation that a person has resolved needs nobody.
    """
    if turn_context(conversation_id=conversation_id).state is ConversationState.RESOLVED:
        return
    handover_request(
        conversation_id=conversation_id, fence=None, reason="run_failed", run_id=run_id
    )
