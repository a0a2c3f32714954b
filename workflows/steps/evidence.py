"""The passages an answer may rest on: of the documents, or of a tool that gives some."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from workflows.engine.step import StepContext, StepOutput


class FoundSentence(StepOutput):
    """A sentence, its offsets in the document's text, and how probably it answers."""

    text: str
    start: int
    end: int
    score: float


class FoundPassage(StepOutput):
    """A passage, cut to a bounded length."""

    chunk_id: UUID
    document_id: UUID
    title: str
    heading: str
    text: str
    start: int
    end: int
    score: float
    url: str
    sentences: list[FoundSentence]


_PASSAGES = TypeAdapter(list[FoundPassage])


def passages_of(context: StepContext) -> list[dict[str, Any]]:
    """Return the passages of the step that gave some last, of whatever type; none, if none did.

    What a tool calls passages but is none is passed over.
    """
    for output in context.state.outputs_back(context.scope):
        if "passages" in output and _are_passages(output["passages"]):
            return list(output["passages"])
    return []


def _are_passages(found: Sequence[Mapping[str, Any]]) -> bool:
    try:
        _PASSAGES.validate_python(found)
    except ValidationError:
        return False
    return True
