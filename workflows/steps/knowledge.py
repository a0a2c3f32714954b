"""``knowledge``: find the passages of the tenant's documents that may answer."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from knowledge.selectors import passages_search
from knowledge.types import Passage
from workflows.engine.step import Step, StepContext, StepOutcome, StepOutput, step
from workflows.spec.kinds import StepConfig
from workflows.steps.evidence import FoundPassage, FoundSentence

MAX_PASSAGE_CHARACTERS = 4_000
MAX_SENTENCES = 60


class KnowledgeConfig(StepConfig):
    """How many passages, and from which score on."""

    limit: Annotated[int, Field(ge=1, le=20)] = 8
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class KnowledgeOutput(StepOutput):
    """What the search found; ``support`` is the probability that it answers the question."""

    query: str
    passages: list[FoundPassage]
    support: float
    passage_count: int
    embed_ms: float
    search_ms: float


@step
class KnowledgeStep(Step[KnowledgeConfig, KnowledgeOutput]):
    """Search the knowledge base; conditions may use support and passage_count."""

    name = "knowledge"
    config = KnowledgeConfig
    output = KnowledgeOutput
    exports: ClassVar[tuple[str, ...]] = ("support", "passage_count")

    def run(self, config: KnowledgeConfig, context: StepContext) -> StepOutcome[KnowledgeOutput]:
        """Search with the text the run has to answer."""
        found = passages_search(
            query=str(context.input.get("text", "")),
            limit=config.limit,
            threshold=config.threshold,
        )
        output = KnowledgeOutput(
            query=found.query,
            passages=[_passage(passage) for passage in found.passages],
            support=found.support,
            passage_count=len(found.passages),
            embed_ms=found.embed_ms,
            search_ms=found.search_ms,
        )
        return StepOutcome(output)

    def reads(self, config: KnowledgeConfig, context: StepContext) -> Mapping[str, Any]:
        """Return the text that is searched with."""
        return {"query": str(context.input.get("text", ""))}


def _passage(passage: Passage) -> FoundPassage:
    return FoundPassage(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        title=passage.title,
        heading=passage.heading,
        text=passage.text[:MAX_PASSAGE_CHARACTERS],
        start=passage.start,
        end=passage.end,
        score=passage.score,
        url=passage.url,
        sentences=[
            FoundSentence(
                text=sentence.text[:MAX_PASSAGE_CHARACTERS],
                start=sentence.start,
                end=sentence.end,
                score=sentence.score,
            )
            for sentence in passage.sentences[:MAX_SENTENCES]
        ],
    )
