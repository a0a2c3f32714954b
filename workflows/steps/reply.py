"""``reply``: send the answer to the visitor, with what it rests on."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema

from conversations.errors import StaleReply
from conversations.services import reply_append
from conversations.types import Citation
from workflows.engine.events import RunStatus
from workflows.engine.step import (
    Step,
    StepContext,
    StepFailed,
    StepOutcome,
    StepOutput,
    step,
)
from workflows.spec.kinds import StepConfig
from workflows.spec.values import Value
from workflows.steps.evidence import passages_of

MAX_TEXT = 2_000
_TEXT = TypeAdapter(Annotated[str, Field(min_length=1, max_length=MAX_TEXT)])
_TEXT_SCHEMA = {**_TEXT.json_schema(), "description": "Text; may hold ${ CEL }"}
_MARK = re.compile(r"\[(\d{1,3})\]")


def _written(text: Any) -> Any:
    """Refuse what is no text or too long, before what stands in it is compiled."""
    return _TEXT.validate_python(text)


class ReplyConfig(StepConfig):
    """``text`` is what is said; without it the completion of the ``llm`` step is sent.

    ``abstained`` marks a text that says the documents do not tell.
    """

    text: Annotated[Value, BeforeValidator(_written), WithJsonSchema(_TEXT_SCHEMA)] | None = None
    abstained: bool = False


class ReplyOutput(StepOutput):
    """What became of the reply: sent as a message, or dropped because the talk had moved on."""

    status: Literal["sent", "superseded"]
    text: str
    citations: list[dict[str, Any]]
    message_id: UUID | None = None
    seq: int | None = None


@step
class ReplyStep(Step[ReplyConfig, ReplyOutput]):
    """Append the reply unless a person took over or the visitor wrote again: then it is dropped."""

    name = "reply"
    config = ReplyConfig
    output = ReplyOutput

    def run(self, config: ReplyConfig, context: StepContext) -> StepOutcome[ReplyOutput]:
        """Send; repeated after a crash, it finds the run's message and sends nothing twice."""
        if context.conversation_id is None:
            raise StepFailed("A reply needs a conversation.")
        text, citations = _content(config, context)
        try:
            message = reply_append(
                conversation_id=context.conversation_id,
                fence=context.turn["fence"],
                answered_seq=context.turn["answered_seq"],
                run_id=context.run_id,
                part=context.part,
                text=text,
                citations=[Citation(**citation) for citation in citations],
                route=_route(context),
                abstained=config.abstained,
            )
        except StaleReply:
            dropped = ReplyOutput(status="superseded", text=text, citations=citations)
            return StepOutcome(dropped, ends_as=RunStatus.SUPERSEDED)
        sent = ReplyOutput(
            status="sent", text=text, citations=citations, message_id=message.id, seq=message.seq
        )
        result = {"text": text, "citations": citations, "message_id": str(message.id)}
        return StepOutcome(sent, result=result)

    def reads(self, config: ReplyConfig, context: StepContext) -> Mapping[str, Any]:
        """Return the answer it sends, if it is not its own, and the passages that bear it out."""
        if config.text is not None:
            return {"text": _said(config.text, context)} if config.text.names else {}
        completion = context.latest("llm") or {}
        return {
            "text": completion.get("text", ""),
            "cited": completion.get("cited", []),
            "passages": passages_of(context) if completion.get("cited") else [],
        }


def _route(context: StepContext) -> dict[str, Any] | None:
    """Return the routing decision as the REST answer shows it."""
    decided = context.latest("router")
    if decided is None:
        return None
    return {
        "tier": decided["tier"],
        "confidence": decided["confidence"],
        "reasoning": decided["reasoning"],
        "cost_estimate": float(decided["cost_estimate"]),
        "latency_estimate": decided["latency_estimate_ms"],
    }


def _content(config: ReplyConfig, context: StepContext) -> tuple[str, list[dict[str, Any]]]:
    if config.text is not None:
        return _said(config.text, context), []
    completion = context.output_of("llm")
    if not completion["text"]:
        raise StepFailed("The completion abstained: branch on 'abstained' before this reply.")
    passages = passages_of(context) if completion["cited"] else []
    shown = _shown_numbers(completion["text"], completion["cited"])
    return _renumbered(completion["text"], shown), _citations(completion["cited"], passages, shown)


def _said(text: Value, context: StepContext) -> str:
    said = str(context.render(text))[:MAX_TEXT]
    if not said.strip():
        raise StepFailed("The reply is empty.")
    return said


def _shown_numbers(text: str, cited: list[dict[str, int]]) -> dict[int, int]:
    """Return passage number -> 1, 2, 3 … in the order a reader meets them."""
    known = {item["evidence_number"] for item in cited}
    met = [int(mark) for mark in _MARK.findall(text) if int(mark) in known]
    in_order = dict.fromkeys([*met, *sorted(known)])
    return {number: position for position, number in enumerate(in_order, start=1)}


def _renumbered(text: str, shown: dict[int, int]) -> str:
    return _MARK.sub(lambda mark: f"[{shown.get(int(mark[1]), mark[1])}]", text)


def _citations(
    cited: list[dict[str, int]], passages: list[dict[str, Any]], shown: dict[int, int]
) -> list[dict[str, Any]]:
    """Turn cited sentences into citations, numbered like the marks in the text."""
    return [
        _citation(shown[number], passages[number - 1], passages[number - 1]["sentences"][index])
        for number, index in dict.fromkeys(
            (item["evidence_number"], item["sentence_index"]) for item in cited
        )
    ]


def _citation(number: int, passage: dict[str, Any], sentence: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": number,
        "document_id": passage["document_id"],
        "chunk_id": passage["chunk_id"],
        "title": passage["title"],
        "url": passage["url"],
        "quote": sentence["text"],
        "start": sentence["start"],
        "end": sentence["end"],
    }
