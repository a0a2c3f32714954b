"""Reads of routing."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, Count, Q, QuerySet

from routing.models import RoutingDecision, RoutingPolicy
from routing.types import Tier


@dataclass(frozen=True, slots=True)
class TierShare:
    """How many of the listed decisions a tier got, and their share in 0..1."""

    tier: str
    decisions: int
    share: float


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """The figures above the list of decisions."""

    decisions: int
    confidence: float
    decided_in_ms: float
    tiers: tuple[TierShare, ...]


def policy_get() -> RoutingPolicy:
    """Return the workspace's policy, or an unsaved one with the defaults."""
    return RoutingPolicy.objects.first() or RoutingPolicy()


def provider_name_for(policy: RoutingPolicy, tier: Tier) -> str:
    """Return the name of the provider that serves a tier under a policy."""
    names = {
        Tier.SLM_A: policy.slm_a_provider,
        Tier.SLM_B: policy.slm_b_provider,
        Tier.LLM: policy.llm_provider,
    }
    return names[tier]


def decision_list(*, tier: str = "", intent: str = "") -> QuerySet[RoutingDecision]:
    """Return decisions, newest first, narrowed to a tier and an intent where given."""
    wanted = Q()
    if tier:
        wanted &= Q(tier=tier)
    if intent:
        wanted &= Q(intent=intent)
    return RoutingDecision.objects.filter(wanted)


def decision_get(*, decision_id: UUID) -> RoutingDecision | None:
    """Return one decision with its features, or None."""
    return RoutingDecision.objects.filter(pk=decision_id).first()


def decision_summary(decisions: QuerySet[RoutingDecision]) -> DecisionSummary:
    """Return the summary of a queryset of decisions in one query."""
    counted = {str(tier): Count("pk", filter=Q(tier=tier)) for tier in Tier}
    row = decisions.order_by().aggregate(
        total=Count("pk"), mean=Avg("confidence"), took=Avg("decided_in_ms"), **counted
    )
    total = row["total"]
    return DecisionSummary(
        decisions=total,
        confidence=row["mean"] or 0.0,
        decided_in_ms=row["took"] or 0.0,
        tiers=tuple(TierShare(t, row[t], row[t] / total if total else 0.0) for t in map(str, Tier)),
    )
