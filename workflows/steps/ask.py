"""``ask``: ask the visitor something, and go on with the answer or when the time is over."""

from typing import Annotated, ClassVar

from pydantic import Field

from conversations.errors import StaleReply
from conversations.services import reply_append
from workflows.engine.events import RunStatus
from workflows.engine.step import (
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    StepOutput,
    Waits,
    step,
)
from workflows.spec.kinds import StepConfig
from workflows.spec.units import Duration
from workflows.spec.values import Value

DAY_SECONDS = 86_400.0
MAX_TEXT = 2_000
Option = Annotated[str, Field(min_length=1, max_length=80)]


class AskConfig(StepConfig):
    """The question, answers to choose from, if any, and how long the visitor may take."""

    text: Value
    options: Annotated[list[Option], Field(max_length=12)] = Field(default_factory=list)
    within: Annotated[Duration, Field(le=30 * DAY_SECONDS)] = DAY_SECONDS


class AskOutput(StepOutput):
    """What the visitor said; ``answered`` is false when the time was over."""

    answer: str
    answered: bool


@step
class AskStep(Step[AskConfig, AskOutput]):
    """Send the question as a message and wait; conditions may use answer and answered.

    The visitor's next message is the answer, and the turn that later replies answer.
    """

    name = "ask"
    config = AskConfig
    output = AskOutput
    exports: ClassVar[tuple[str, ...]] = ("answer", "answered")
    waits = True

    def run(self, config: AskConfig, context: StepContext) -> StepOutcome[AskOutput] | Waits:
        """Ask, or take the answer; if a person took over meanwhile, the run is superseded."""
        answer = context.answer
        if answer is not None:
            said = str(answer.value.get("text", "")) if answer.outcome == "answered" else ""
            return StepOutcome(AskOutput(answer=said, answered=answer.outcome == "answered"))
        text = _question(config, context)
        try:
            _send(text, context)
        except StaleReply:
            return StepOutcome(AskOutput(answer="", answered=False), ends_as=RunStatus.SUPERSEDED)
        data = {"text": text, "options": list(config.options)}
        return Waits("question", config.within, data=data)


def _question(config: AskConfig, context: StepContext) -> str:
    text = str(context.render(config.text))[:MAX_TEXT]
    if not text.strip():
        raise StepFailed("The question is empty.")
    listed = "".join(f"\n{number}. {option}" for number, option in enumerate(config.options, 1))
    return text + listed


def _send(text: str, context: StepContext) -> None:
    if context.conversation_id is None:
        raise StepFailed("A question needs a conversation.")
    reply_append(
        conversation_id=context.conversation_id,
        fence=context.turn["fence"],
        answered_seq=context.turn["answered_seq"],
        run_id=context.run_id,
        part=context.part,
        text=text,
        citations=[],
    )
