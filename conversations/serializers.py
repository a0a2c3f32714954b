"""Conversations, messages and chat as the REST API takes and shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversations.attachments.parts import parts_shown
from conversations.models import (
    CannedReply,
    Conversation,
    ConversationNote,
    Customer,
    Message,
    NotificationTarget,
    Rating,
    SlaPolicy,
    SlaTarget,
    WidgetInstallation,
)
from conversations.searching import Found
from conversations.types import (
    ATTACHMENTS_LIMIT,
    CAPACITY_LIMIT,
    LABEL_LENGTH,
    MINUTES_LIMIT,
    QUEUE_NAME,
    SHORTCUT_LENGTH,
    SKILLS_LIMIT,
    TEXT_LIMIT,
    AgentLine,
    Priority,
)
from core.answers import AnswerSerializer
from core.api import StrictSerializer, UploadField

PRIORITIES = [priority.key for priority in Priority]


class AttachmentIdsField(serializers.ListField):
    """Uploads to send with a message; how many there may be is said under a code of its own."""

    def __init__(self) -> None:
        super().__init__(
            child=serializers.UUIDField(),
            max_length=50,
            required=False,
            default=list,
            help_text=f"Ids of uploads, {ATTACHMENTS_LIMIT} at most.",
        )


class ChatMessageBody(StrictSerializer):
    """What somebody says; `user_id` is the business's own name for them."""

    message = serializers.CharField(
        trim_whitespace=False,
        allow_blank=True,
        help_text=f"1 to {TEXT_LIMIT} characters, none where files are sent.",
    )
    user_id = serializers.CharField(max_length=200, required=False, default="")
    conversation_id = serializers.UUIDField(required=False, default=None)
    client_id = serializers.CharField(
        max_length=64, required=False, default="", help_text="Makes a repetition harmless."
    )
    attachments = AttachmentIdsField()
    context = serializers.DictField(required=False, default=dict)  # type: ignore[assignment]  # a field
    tenant_id = serializers.CharField(max_length=64, required=False, default="")


class CitationSerializer(serializers.Serializer[Any]):
    """The sentence an answer rests on; `url` opens it."""

    number = serializers.IntegerField()
    document_id = serializers.CharField()
    chunk_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    quote = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class AttachmentSerializer(serializers.Serializer[Any]):
    """A file of a message; `url` gives it, pictures have a size in pixels."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField(help_text="In bytes.")
    url = serializers.CharField()
    width = serializers.IntegerField(required=False)
    height = serializers.IntegerField(required=False)


class ReplySerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    citations = CitationSerializer(many=True)
    attachments = AttachmentSerializer(many=True)


class ChatAnswerSerializer(serializers.Serializer[Any]):
    """`status`: answered, pending (ask `status_url`), with_person (who will answer) or resolved."""

    conversation_id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    status = serializers.CharField(help_text="answered, pending, with_person or resolved")
    reply = ReplySerializer(allow_null=True)
    route = serializers.DictField(
        allow_null=True,
        help_text="tier, confidence, reasoning, cost_estimate, latency_estimate",
    )
    run_id = serializers.UUIDField(allow_null=True)
    status_url = serializers.CharField()


class CustomerSerializer(AnswerSerializer[Customer]):
    class Meta:
        model = Customer
        fields = (
            "id",
            "external_id",
            "name",
            "email",
            "identified_at",
            "attributes",
            "created_at",
            "last_seen_at",
        )
        read_only_fields = fields


class ConversationSerializer(AnswerSerializer[Conversation]):
    """A conversation; `seq` is its last message's."""

    customer = CustomerSerializer(read_only=True)
    seq = serializers.IntegerField(read_only=True)
    unread = serializers.IntegerField(read_only=True)
    priority = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=PRIORITIES))
    def get_priority(self, conversation: Conversation) -> str:
        return Priority(conversation.priority).key

    class Meta:
        model = Conversation
        fields = (
            "id",
            "customer",
            "channel",
            "state",
            "queue",
            "owner_id",
            "owner_name",
            "reason",
            "preview",
            "preview_author",
            "context",
            "priority",
            "labels",
            "snoozed_until",
            "epoch",
            "seq",
            "unread",
            "created_at",
            "last_message_at",
            "queued_at",
            "assigned_at",
            "resolved_at",
        )
        read_only_fields = fields


class MessageSerializer(AnswerSerializer[Message]):
    """A message; citations and route belong to the AI's, person to an agent's."""

    citations = CitationSerializer(many=True, read_only=True)
    abstained = serializers.BooleanField(source="is_abstained", read_only=True)
    attachments = serializers.SerializerMethodField()

    @extend_schema_field(AttachmentSerializer(many=True))
    def get_attachments(self, message: Message) -> list[dict[str, Any]]:
        return parts_shown(message.attachments)

    class Meta:
        model = Message
        fields = (
            "id",
            "seq",
            "author",
            "kind",
            "name",
            "text",
            "citations",
            "attachments",
            "abstained",
            "client_id",
            "run_id",
            "person_id",
            "route",
            "created_at",
        )
        read_only_fields = fields


class FoundSerializer(serializers.Serializer[Found]):
    """A conversation that was found, with the message at which it was."""

    conversation = ConversationSerializer(read_only=True)
    message = MessageSerializer(read_only=True)
    excerpt = serializers.CharField(help_text="One line of the message around the first match.")
    marks = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Where the matches are in the excerpt: start and end, in characters.",
    )


class FoundPageSerializer(serializers.Serializer[Any]):
    """A page of what was found; `next` is null on the last."""

    next = serializers.URLField(allow_null=True)
    results = FoundSerializer(many=True)


class UploadBody(StrictSerializer):
    """A file; with a key, `person_id` says whose reply it is for, else it is the customer's."""

    file = UploadField(allow_empty_file=True, max_length=1_000)
    person_id = serializers.UUIDField(required=False, default=None)


class ActorBody(StrictSerializer):
    """Who of the team acts; needed with an API key, which is nobody's account."""

    person_id = serializers.UUIDField(required=False, default=None)


class AgentReplyBody(ActorBody):
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)
    client_id = serializers.CharField(max_length=64)
    attachments = AttachmentIdsField()


class AssignBody(ActorBody):
    """Who shall have the conversation."""

    assignee_id = serializers.UUIDField()


class AvailabilityBody(StrictSerializer):
    is_available = serializers.BooleanField()


class AgentBody(StrictSerializer):
    """A capacity of null is the workspace's; no skills are all queues."""

    capacity = serializers.IntegerField(
        min_value=1, max_value=CAPACITY_LIMIT, required=False, allow_null=True
    )
    skills = serializers.ListField(
        child=serializers.RegexField(QUEUE_NAME), max_length=SKILLS_LIMIT, required=False
    )


class AgentSerializer(serializers.Serializer[AgentLine]):
    """One of the team; `load` of `capacity` conversations are theirs, `skills` their queues."""

    person_id = serializers.UUIDField()
    name = serializers.CharField()
    is_available = serializers.BooleanField()
    is_present = serializers.BooleanField(help_text="Whether their inbox is open.")
    load = serializers.IntegerField()
    capacity = serializers.IntegerField()
    skills = serializers.ListField(child=serializers.CharField())
    seen_at = serializers.DateTimeField(allow_null=True)


class NotificationTargetBody(StrictSerializer):
    """A mail address or a Slack webhook, which is never shown again; no queue means all."""

    address = serializers.CharField(max_length=500)
    queue = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


class NotificationTargetSerializer(AnswerSerializer[NotificationTarget]):
    """Who is told; `failed_at` is when telling them last failed, null once it worked again."""

    class Meta:
        model = NotificationTarget
        fields = ("id", "kind", "shown", "queue", "failed_at", "created_at")
        read_only_fields = fields


class SlaPolicySerializer(serializers.ModelSerializer[SlaPolicy]):
    """A service level; minutes are of office hours, null where nothing is promised."""

    priority_from = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=PRIORITIES))
    def get_priority_from(self, policy: SlaPolicy) -> str:
        return Priority(policy.priority_from).key

    class Meta:
        model = SlaPolicy
        fields = (
            "id",
            "name",
            "position",
            "is_active",
            "priority_from",
            "labels",
            "channels",
            "first_response_minutes",
            "next_response_minutes",
            "resolution_minutes",
        )
        read_only_fields = fields


def _minutes() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=MINUTES_LIMIT, required=False, allow_null=True
    )


class SlaPolicyBody(StrictSerializer):
    """For whom, and how many minutes at least one of the three may take."""

    name = serializers.CharField(max_length=80)
    position = serializers.IntegerField(min_value=0, max_value=1_000, required=False)
    is_active = serializers.BooleanField(required=False)
    priority_from = serializers.ChoiceField(choices=PRIORITIES, required=False)
    labels = serializers.ListField(
        child=serializers.CharField(max_length=LABEL_LENGTH), max_length=20, required=False
    )
    channels = serializers.ListField(
        child=serializers.CharField(max_length=20), max_length=20, required=False
    )
    first_response_minutes = _minutes()
    next_response_minutes = _minutes()
    resolution_minutes = _minutes()

    def to_internal_value(self, data: Any) -> Any:
        """Return the values as the service takes them."""
        values = super().to_internal_value(data)
        if "priority_from" in values:
            values["priority_from"] = Priority[values["priority_from"].upper()]
        return values


class SlaTargetSerializer(AnswerSerializer[SlaTarget]):
    """What was promised in a conversation: open until `ended_at`, then met or given up."""

    class Meta:
        model = SlaTarget
        fields = (
            "id",
            "kind",
            "policy_id",
            "started_at",
            "due_at",
            "ended_at",
            "is_met",
            "breached_at",
        )
        read_only_fields = fields


class TriageBody(StrictSerializer):
    """What the team arranges; `snoozed_until` null brings the conversation back at once."""

    priority = serializers.ChoiceField(choices=PRIORITIES, required=False)
    labels = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=100, required=False
    )
    snoozed_until = serializers.DateTimeField(required=False, allow_null=True)


class NoteSerializer(AnswerSerializer[ConversationNote]):
    """A note of the team's; `mentions` are the members it names."""

    class Meta:
        model = ConversationNote
        fields = ("id", "person_id", "name", "text", "mentions", "client_id", "created_at")
        read_only_fields = fields


class NoteBody(ActorBody):
    """`@Their Name` in the text mentions a member; `client_id` makes a repetition harmless."""

    text = serializers.CharField(trim_whitespace=False, allow_blank=True)
    client_id = serializers.CharField(max_length=64)


class CannedReplySerializer(AnswerSerializer[CannedReply]):
    """A text that agents say often; `is_shared` tells everybody's from one's own."""

    is_shared = serializers.BooleanField(read_only=True)

    class Meta:
        model = CannedReply
        fields = ("id", "shortcut", "text", "is_shared", "created_at", "updated_at")
        read_only_fields = fields


class CannedReplyBody(StrictSerializer):
    """`{{customer.name|there}}` in the text is filled in; what follows the bar stands in for it."""

    shortcut = serializers.RegexField(
        rf"^[a-z0-9][a-z0-9-]{{0,{SHORTCUT_LENGTH - 1}}}$", max_length=SHORTCUT_LENGTH
    )
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)


class RatingSerializer(AnswerSerializer[Rating]):
    """How a customer found a conversation that was resolved, 1 to 5."""

    conversation_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = Rating
        fields = ("id", "conversation_id", "score", "comment", "created_at", "updated_at")
        read_only_fields = fields


class WidgetSerializer(AnswerSerializer[WidgetInstallation]):
    """The widget a tenant embeds; the key is public."""

    class Meta:
        model = WidgetInstallation
        fields = ("key", "title", "greeting", "accent", "theme", "suggestions", "allowed_origins")
        read_only_fields = fields


class WidgetBody(StrictSerializer):
    """What may be changed of the widget; origins look like https://shop.example.com."""

    title = serializers.CharField(max_length=80, allow_blank=True)
    greeting = serializers.CharField(max_length=300, allow_blank=True)
    accent = serializers.RegexField(r"^#[0-9a-fA-F]{6}$")
    theme = serializers.ChoiceField(choices=("auto", "light", "dark"))
    suggestions = serializers.ListField(child=serializers.CharField(max_length=120), max_length=6)
    allowed_origins = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=50
    )
