"""Values that routing hands to its callers: tiers, intents, decisions, evidence, completions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Tier(StrEnum):
    """How strong a model a request deserves; the tenant's policy maps it to a provider."""

    SLM_A = "SLM_A"
    SLM_B = "SLM_B"
    LLM = "LLM"


class TierPreference(StrEnum):
    """What the caller would rather have when a request sits between two tiers."""

    FAST = "fast"
    BALANCED = "balanced"
    ACCURATE = "accurate"


class Intent(StrEnum):
    """What the visitor is after."""

    FAQ = "faq"
    HUMAN_REQUEST = "human_request"
    COMPLAINT = "complaint"
    ORDER_STATUS = "order_status"
    SMALLTALK = "smalltalk"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class IntentPrediction:
    """The recognised intent and the calibrated probability of every intent (they sum to 1)."""

    intent: Intent
    confidence: float
    probabilities: Mapping[Intent, float]


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """A routing decision as the caller sees it; `cost_estimate` is in major units of `currency`."""

    decision_id: UUID
    tier: Tier
    intent: str
    confidence: float
    reasoning: str
    cost_estimate: Decimal
    latency_estimate_ms: int
    features: dict[str, float]
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """One sentence of a passage with the probability (0..1) that it answers the question."""

    text: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A numbered passage a completion may rest on; offsets count characters of the document."""

    number: int
    title: str
    text: str
    sentences: tuple[EvidenceSentence, ...] = ()


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """Where one sentence of an answer comes from."""

    evidence_number: int
    sentence_index: int


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What a provider is asked to complete."""

    question: str
    evidence: tuple[Evidence, ...]
    system_prompt: str = ""
    support_threshold: float = 0.5
    max_sentences: int = 3


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer, what it rests on, and what it cost in millionths of a currency unit."""

    text: str
    cited: tuple[CitedSentence, ...] = field(default=())
    support: float = 0.0
    abstained: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micro: int = 0
    currency: str = "USD"
    provider: str = ""
    model: str = ""
    latency_ms: float = 0.0
