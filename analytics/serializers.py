"""Activity, as the REST API shows it."""

from typing import Any

from rest_framework import serializers

from analytics.types import ActivityDay


class ActivityValuesSerializer(serializers.Serializer[Any]):
    """The numbers of a day or a range."""

    conversations = serializers.IntegerField()
    visitor_messages = serializers.IntegerField()
    ai_replies = serializers.IntegerField()
    agent_replies = serializers.IntegerField()
    handovers = serializers.IntegerField()
    resolved = serializers.IntegerField()


class ActivityDaySerializer(ActivityValuesSerializer):
    """The numbers of one UTC day."""

    day = serializers.DateField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        assert isinstance(instance, ActivityDay)
        values: dict[str, Any] = {str(name): value for name, value in instance.values.items()}
        return super().to_representation({"day": instance.day, **values})


class ActivityReportSerializer(serializers.Serializer[object]):
    """A range of days with its totals."""

    first = serializers.DateField(source="range.first")
    last = serializers.DateField(source="range.last")
    totals = serializers.SerializerMethodField()
    days = ActivityDaySerializer(many=True)

    def get_totals(self, report: Any) -> dict[str, int]:
        return {card.metric: card.value for card in report.cards}
