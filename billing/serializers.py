"""Usage, as the REST API shows it."""

from rest_framework import serializers

from billing.models import UsageEntry
from billing.types import Meter
from core.answers import AnswerSerializer

METERS = [str(meter) for meter in Meter]


class MeterTotalSerializer(serializers.Serializer[object]):
    """A meter's total beside the plan's limit; `limit` is null when there is none."""

    meter = serializers.ChoiceField(choices=METERS)
    quantity = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)


class DailyUsageSerializer(serializers.Serializer[object]):
    """A day's quantity of every meter."""

    day = serializers.DateField()
    quantities = serializers.DictField(child=serializers.IntegerField())


class UsageSerializer(serializers.Serializer[object]):
    """A month's usage: `period` is like 2026-11, days are UTC."""

    period = serializers.CharField(source="period.name")
    totals = MeterTotalSerializer(many=True)
    days = DailyUsageSerializer(many=True)


class UsageEntrySerializer(AnswerSerializer[UsageEntry]):
    """An entry of the append-only ledger."""

    class Meta:
        model = UsageEntry
        fields = ("event_id", "meter", "quantity", "subject_id", "occurred_at")
        read_only_fields = fields
