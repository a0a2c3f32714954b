"""What REST shows and takes of approvals and of runs that people step in on."""

from typing import Any, ClassVar

from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer
from workflows.models import Wait
from workflows.services import COMMENT_CHARACTERS
from workflows.types import WaitState


class ApprovalSerializer(AnswerSerializer[Wait]):
    """What a run asks the team (``asked``); ``answer`` is empty until somebody has decided."""

    state = serializers.ChoiceField(choices=[state.value for state in WaitState])
    asked = serializers.DictField(source="data")
    answer = serializers.DictField()

    class Meta:
        model = Wait
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "run_id",
            "conversation_id",
            "step_id",
            "state",
            "asked",
            "answer",
            "answered_by",
            "until",
            "created_at",
            "resolved_at",
        )
        read_only_fields = fields


class DecisionBodySerializer(StrictSerializer):
    """A decision, and why."""

    approved = serializers.BooleanField()
    comment = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=COMMENT_CHARACTERS
    )


class CancelBodySerializer(StrictSerializer):
    """Why a run is to stop."""

    reason = serializers.CharField(required=False, default="requested", max_length=64)


def body_of(kind: type[StrictSerializer], data: Any) -> dict[str, Any]:
    """Return a checked body; raises ``ValidationError``."""
    body = kind(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
