"""The router's request and response, as the public schema has them."""

from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer
from routing.models import RoutingDecision
from routing.types import Intent, Tier, TierPreference

MAX_QUERY_CHARACTERS = 8000


class RouterContextSerializer(StrictSerializer):
    """What the caller knows about the request beside its text."""

    channel = serializers.CharField(max_length=20, default="api")
    history_length = serializers.IntegerField(min_value=0, max_value=10_000, default=0)
    strict_json = serializers.BooleanField(
        default=False, help_text="The answer has to fit a strict JSON schema."
    )
    run_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class RouterRequestSerializer(StrictSerializer):
    """A request to be routed. `tenant_id`, where given, must name this workspace (id or slug)."""

    query = serializers.CharField(max_length=MAX_QUERY_CHARACTERS)
    context = RouterContextSerializer(required=False)  # type: ignore[assignment]  # a body field
    tenant_id = serializers.CharField(required=False, max_length=63)
    user_id = serializers.CharField(required=False, max_length=200)
    tier_preference = serializers.ChoiceField(
        choices=[str(preference) for preference in TierPreference],
        default=str(TierPreference.BALANCED),
    )


class RouterResponseSerializer(serializers.Serializer[object]):
    """The decision: `cost_estimate` in units of `currency`, `latency_estimate` in milliseconds."""

    tier = serializers.ChoiceField(choices=[str(tier) for tier in Tier])
    confidence = serializers.FloatField(min_value=0.0, max_value=1.0)
    reasoning = serializers.CharField()
    cost_estimate = serializers.FloatField()
    latency_estimate = serializers.IntegerField(source="latency_estimate_ms")
    decision_id = serializers.UUIDField()
    intent = serializers.ChoiceField(choices=[str(intent) for intent in Intent])
    currency = serializers.CharField()


class RoutingDecisionSerializer(AnswerSerializer[RoutingDecision]):
    """A stored decision with the features it rests on."""

    features = serializers.DictField(child=serializers.FloatField())

    class Meta:
        model = RoutingDecision
        fields = (
            "id",
            "run_id",
            "channel",
            "tier",
            "intent",
            "confidence",
            "complexity",
            "reasoning",
            "provider",
            "cost_estimate",
            "currency",
            "latency_estimate_ms",
            "decided_in_ms",
            "features",
            "created_at",
        )
        read_only_fields = fields
