"""The REST shapes of workflows."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer
from workflows.engine.events import EventType, RunStatus
from workflows.models import Run
from workflows.spec.errors import Severity
from workflows.spec.source import MAX_BYTES


class WorkflowSourceSerializer(StrictSerializer):
    """A workflow as YAML text."""

    yaml = serializers.CharField(max_length=MAX_BYTES, trim_whitespace=False)


class EdgeSerializer(serializers.Serializer[Any]):
    """A way to another step; ``condition`` in words, empty when it is always taken."""

    target = serializers.CharField()
    condition = serializers.CharField(source="label")


class StepSerializer(serializers.Serializer[Any]):
    """A step of a workflow."""

    id = serializers.CharField()
    type = serializers.CharField(source="kind.name")
    description = serializers.CharField()
    edges = EdgeSerializer(many=True)


class WorkflowSerializer(serializers.Serializer[Any]):
    """A workflow as it would run now; ``content_hash`` identifies its exact text."""

    name = serializers.CharField()
    version = serializers.CharField()
    description = serializers.CharField()
    content_hash = serializers.CharField()
    steps = serializers.SerializerMethodField()

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, graph: Any) -> list[dict[str, Any]]:
        """Return the steps in the order of the file."""
        return [dict(step) for step in StepSerializer(graph.nodes.values(), many=True).data]


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem of a workflow's text: 1-based line and column, and a JSON pointer.

    ``file`` names the fragment it stands in, "" for the text itself. An error keeps the text from
    being published, a warning does not.
    """

    line = serializers.IntegerField()
    column = serializers.IntegerField()
    pointer = serializers.CharField()
    message = serializers.CharField()
    file = serializers.CharField()
    severity = serializers.ChoiceField(choices=[severity.value for severity in Severity])


class ValidationSerializer(serializers.Serializer[Any]):
    """The verdict on a text; ``warnings`` is advice on one that is valid."""

    valid = serializers.BooleanField()
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]  # hides Serializer.errors
    warnings = ProblemSerializer(many=True)
    workflow = WorkflowSerializer(allow_null=True)


class WorkflowVersionSerializer(serializers.Serializer[Any]):
    """A version on record."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.CharField()
    content_hash = serializers.CharField()
    state = serializers.CharField()
    created_at = serializers.DateTimeField()


class RunSerializer(AnswerSerializer[Run]):
    """A run; ``cost_micro`` counts millionths of ``currency``."""

    status = serializers.ChoiceField(choices=[status.value for status in RunStatus])
    result = serializers.DictField()

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id",
            "workflow",
            "version",
            "content_hash",
            "status",
            "current_step",
            "conversation_id",
            "answered_seq",
            "seq",
            "attempts",
            "result",
            "error_code",
            "cost_micro",
            "currency",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class RunEventSerializer(serializers.Serializer[Any]):
    """One fact of a run."""

    seq = serializers.IntegerField()
    type = serializers.ChoiceField(choices=[kind.value for kind in EventType])
    step_id = serializers.CharField()
    payload = serializers.DictField()
    at = serializers.DateTimeField()


class RunDetailSerializer(RunSerializer):
    """A run with its events in order."""

    events = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "events")
        read_only_fields = fields

    @extend_schema_field(RunEventSerializer(many=True))
    def get_events(self, run: Run) -> list[dict[str, Any]]:
        """Return the run's events."""
        return [dict(event) for event in RunEventSerializer(self.context["events"], many=True).data]
