"""The REST shapes of replays."""

from typing import Any

from rest_framework import serializers

from core.api import StrictSerializer
from routing.types import Tier
from workflows.engine.events import RunStatus
from workflows.replaying.rows import Difference, Way


class ReplayBodySerializer(StrictSerializer):
    """What is to be different: the tier that models are asked at, and another version's text."""

    tier = serializers.ChoiceField(choices=[tier.value for tier in Tier])
    version = serializers.CharField(max_length=64, allow_blank=True, default="")


class ReplayedStepSerializer(serializers.Serializer[Any]):
    """One visit to a step; ``before`` and ``after`` are filled where the two differ."""

    scope = serializers.CharField()
    step_id = serializers.CharField()
    kind = serializers.CharField()
    visit = serializers.IntegerField()
    way = serializers.ChoiceField(choices=[way.value for way in Way])
    difference = serializers.ChoiceField(choices=[each.value for each in Difference])
    before = serializers.DictField()
    after = serializers.DictField()
    detail = serializers.CharField()


class ReplaySerializer(serializers.Serializer[Any]):
    """A run beside its replay; ``cost_micro`` counts millionths of ``currency``."""

    workflow = serializers.CharField()
    recorded_hash = serializers.CharField()
    replayed_hash = serializers.CharField()
    tier = serializers.CharField()
    seq = serializers.IntegerField()
    state_hash = serializers.CharField()
    recorded_status = serializers.ChoiceField(choices=[status.value for status in RunStatus])
    replayed_status = serializers.ChoiceField(choices=[status.value for status in RunStatus])
    is_same = serializers.BooleanField()
    steps = ReplayedStepSerializer(many=True)
    would_undo = serializers.ListField(child=serializers.CharField())
    cost_micro = serializers.IntegerField()
    currency = serializers.CharField()
    tokens = serializers.IntegerField()
