"""The REST shapes of versions, drafts and stops."""

from typing import Any

from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer
from workflows.models import WorkflowDraft, WorkflowStop, WorkflowVersion
from workflows.serializers import ProblemSerializer
from workflows.spec.source import MAX_BYTES
from workflows.types import VersionState


class TextBodySerializer(StrictSerializer):
    """A workflow as YAML text, and a line for others to read."""

    yaml = serializers.CharField(max_length=MAX_BYTES, trim_whitespace=False)
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class VersionBodySerializer(TextBodySerializer):
    """A text to put on record."""


class DraftBodySerializer(TextBodySerializer):
    """A draft to begin; it may have mistakes."""

    title = serializers.CharField(max_length=80)


class DraftSaveBodySerializer(TextBodySerializer):
    """A draft's new text; ``revision`` is the one the caller read."""

    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class PublishBodySerializer(StrictSerializer):
    """``replaces`` is the hash of what the caller saw published, "" for nothing."""

    replaces = serializers.CharField(max_length=64, allow_blank=True, required=False)


class StopBodySerializer(StrictSerializer):
    """Which workflow is meant; every one when it is empty or left out."""

    workflow = serializers.CharField(max_length=64, allow_blank=True, default="")


class VersionSerializer(AnswerSerializer[WorkflowVersion]):
    """A version; ``author`` and ``published_by`` are ids of people or API keys.

    They are null where an operator or the software did it. ``active_runs`` still go on with it.
    """

    state = serializers.ChoiceField(choices=[state.value for state in VersionState])
    active_runs = serializers.IntegerField()

    class Meta:
        model = WorkflowVersion
        fields: tuple[str, ...] = (
            "id",
            "name",
            "version",
            "content_hash",
            "state",
            "note",
            "author",
            "published_by",
            "published_at",
            "created_at",
            "active_runs",
        )
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    """A version with its text."""

    yaml = serializers.CharField()

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "yaml")
        read_only_fields = fields


class VerdictSerializer(serializers.Serializer[Any]):
    """What validation found: ``state`` is where the version stands now.

    ``warnings`` is advice on a version without errors.
    """

    state = serializers.ChoiceField(choices=[state.value for state in VersionState])
    errors = ProblemSerializer(many=True)  # type: ignore[assignment]  # hides Serializer.errors
    warnings = ProblemSerializer(many=True)


class DraftSerializer(AnswerSerializer[WorkflowDraft]):
    """A draft; send its ``revision`` back to save it."""

    class Meta:
        model = WorkflowDraft
        fields: tuple[str, ...] = (
            "id",
            "workflow",
            "title",
            "note",
            "revision",
            "author",
            "edited_by",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class DraftDetailSerializer(DraftSerializer):
    """A draft with its text."""

    yaml = serializers.CharField(source="source")

    class Meta(DraftSerializer.Meta):
        fields = (*DraftSerializer.Meta.fields, "yaml")
        read_only_fields = fields


class DiffSerializer(serializers.Serializer[Any]):
    """What differs: a unified diff, and ids of steps that were added, removed or changed.

    ``is_readable`` is false when one of the texts is no YAML: no steps are compared then.
    """

    unified = serializers.CharField()
    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    changed = serializers.ListField(child=serializers.CharField())
    is_readable = serializers.BooleanField()


class StopSerializer(AnswerSerializer[WorkflowStop]):
    """A stop that holds: of one workflow, or of every one when ``workflow`` is empty."""

    class Meta:
        model = WorkflowStop
        fields: tuple[str, ...] = ("workflow", "stopped_by", "stopped_at")
        read_only_fields = fields


class StopsSerializer(serializers.Serializer[Any]):
    """What is stopped now; ``ended`` runs were ended by this call, ``left`` must be tried again."""

    stops = StopSerializer(many=True)
    ended = serializers.IntegerField()
    left = serializers.IntegerField()
