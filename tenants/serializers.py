"""Tokens, callers and API keys as the REST API takes and shows them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer
from core.audit.models import AuditEntry
from core.audit.types import Act
from core.events.models import DeadLetter
from tenants.models import ApiKey, Block, Invitation, SecurityEvent
from tenants.preferences.models import SettingChange
from tenants.types import REQUESTS_PER_MINUTE_LIMIT, SCOPES, InvitationState, KeyState, Role

TOKEN_LENGTH_LIMIT = 200


class TokenBody(StrictSerializer):
    """A member's e-mail and password; without `scopes` the token may do all the role may.

    `otp` is the code of the authenticator app, or a recovery code, of who has two-step sign-in on.
    """

    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False, write_only=True)
    otp = serializers.CharField(max_length=20, required=False, default="", write_only=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES),
        required=False,
        default=list,
        max_length=len(SCOPES),
    )


class RefreshBody(StrictSerializer):
    """A refresh token, in the body so that it stays out of logs."""

    refresh_token = serializers.CharField(max_length=TOKEN_LENGTH_LIMIT)


class TokenPairSerializer(serializers.Serializer[Any]):
    """An access token for an hour and the refresh token that renews it once."""

    access_token = serializers.CharField()
    token_type = serializers.CharField(help_text="Bearer")
    expires_in = serializers.IntegerField(help_text="seconds")
    refresh_token = serializers.CharField()
    refresh_expires_in = serializers.IntegerField(
        help_text="seconds until a new sign-in is needed; refreshing does not move it"
    )
    scope = serializers.CharField(help_text="what the tokens may do, separated by spaces")


class CallerTenantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slug = serializers.CharField()


class CallerSerializer(serializers.Serializer[Any]):
    """Who calls: a person with a role, or an API key without one."""

    kind = serializers.ChoiceField(["person", "api_key"])
    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    role = serializers.ChoiceField([role.value for role in Role], allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    tenant = CallerTenantSerializer()
    expires_at = serializers.DateTimeField(allow_null=True)
    requests_per_minute = serializers.IntegerField(allow_null=True)


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation; its link is in the mail alone."""

    state = serializers.ChoiceField(
        [state.value for state in InvitationState], read_only=True, source="state.value"
    )

    class Meta:
        model = Invitation
        fields = (
            "id",
            "email",
            "role",
            "state",
            "invited_by",
            "created_at",
            "expires_at",
            "sent_at",
            "accepted_at",
            "revoked_at",
        )
        read_only_fields = fields


class InvitationBody(StrictSerializer):
    """Whom to ask, and what they shall be."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField([role.value for role in Role])


class ApiKeySerializer(AnswerSerializer[ApiKey]):
    """A key as far as we know it; its secret is not among that."""

    state = serializers.ChoiceField([state.value for state in KeyState], read_only=True)

    class Meta:
        model = ApiKey
        fields = (
            "id",
            "name",
            "prefix",
            "scopes",
            "state",
            "requests_per_minute",
            "created_at",
            "created_by",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "replaced_by",
        )
        read_only_fields = fields


class ApiKeySecretSerializer(serializers.Serializer[Any]):
    """A new key: this is the only time its secret is shown."""

    id = serializers.UUIDField()
    secret = serializers.CharField()


class ApiKeyBody(StrictSerializer):
    """A machine's new credential, within what the caller may do."""

    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES), min_length=1, max_length=len(SCOPES)
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    requests_per_minute = serializers.IntegerField(
        min_value=1,
        max_value=REQUESTS_PER_MINUTE_LIMIT,
        required=False,
        allow_null=True,
        default=None,
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError(_("This is in the past."), "not_in_future")
        return value


class ApiKeyRotateBody(StrictSerializer):
    """How long the replaced key goes on working."""

    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=7 * 24 * 3600, required=False, default=24 * 3600
    )


class AuditQuery(StrictSerializer):
    """Filters of the audit log."""

    act = serializers.ChoiceField([str(act) for act in Act], required=False, allow_null=True)
    actor_id = serializers.UUIDField(required=False, allow_null=True)
    since = serializers.DateTimeField(required=False, allow_null=True)
    until = serializers.DateTimeField(required=False, allow_null=True)


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """One act: its number in the workspace's chain, who did it, and to what."""

    act = serializers.ChoiceField([str(act) for act in Act])
    facts = serializers.SerializerMethodField(help_text="what else is known of the act, by name")

    class Meta:
        model = AuditEntry
        fields = (
            "seq",
            "occurred_at",
            "act",
            "actor_kind",
            "actor_id",
            "network",
            "target_kind",
            "target_id",
            "facts",
            "request_id",
        )
        read_only_fields = fields

    def get_facts(self, entry: AuditEntry) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(entry.data)
        return found


class DeadLetterChoice(StrictSerializer):
    """Which dead letters: all that fit every field given."""

    subscriber = serializers.CharField(max_length=120, required=False)
    since = serializers.DateTimeField(required=False, help_text="of events from then on")
    until = serializers.DateTimeField(required=False, help_text="of events before then")


class RedriveBody(DeadLetterChoice):
    """Which dead letters are delivered again; an empty body means all."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        min_length=1,
        max_length=1000,
    )


class RedrivenSerializer(serializers.Serializer[Any]):
    """How many dead letters are back in line."""

    redriven = serializers.IntegerField(min_value=0, max_value=1000)


class DeadLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    """An event that a subscriber could not take in, four times, and the kind of failure."""

    error = serializers.SerializerMethodField(help_text="the kind of failure, without its words")

    class Meta:
        model = DeadLetter
        fields = ("id", "subscriber", "occurred_at", "attempts", "finished_at", "error")
        read_only_fields = fields

    def get_error(self, letter: DeadLetter) -> str:
        return letter.reason.partition(":")[0]


class SecurityEventSerializer(serializers.ModelSerializer[SecurityEvent]):
    """What looked like an attack, `count` times between `first_at` and `last_at`."""

    class Meta:
        model = SecurityEvent
        fields = (
            "id",
            "kind",
            "severity",
            "subject_kind",
            "subject",
            "network",
            "first_at",
            "last_at",
            "count",
        )
        read_only_fields = fields


class BlockSerializer(serializers.ModelSerializer[Block]):
    """Who is kept out, from what, and until when."""

    class Meta:
        model = Block
        fields = ("id", "subject_kind", "subject", "network", "reach", "starts_at", "ends_at")
        read_only_fields = fields


VERSION_LIMIT = 2**31 - 2


class SettingGroupSerializer(serializers.Serializer[Any]):
    """A group of settings: what it is for, and its values' JSON Schema."""

    group = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    owners_only = serializers.BooleanField()
    schema = serializers.DictField()


class SettingSerializer(serializers.Serializer[Any]):
    """A group as it stands; a change names the `version` it starts from."""

    group = serializers.CharField()
    version = serializers.IntegerField()
    values = serializers.DictField()
    updated_at = serializers.DateTimeField(allow_null=True)


class SettingBody(StrictSerializer):
    """The values to change, and the version they were read at."""

    version = serializers.IntegerField(min_value=0, max_value=VERSION_LIMIT)
    values = serializers.DictField()


class SettingRevertBody(StrictSerializer):
    """The version whose values shall come back, and the one that was read."""

    version = serializers.IntegerField(min_value=0, max_value=VERSION_LIMIT)
    to_version = serializers.IntegerField(min_value=0, max_value=VERSION_LIMIT)


class SettingChangeSerializer(serializers.ModelSerializer[SettingChange]):
    """One change: what it led to, who made it, in words and by id where it was a person."""

    class Meta:
        model = SettingChange
        fields = (
            "id",
            "group",
            "version",
            "before",
            "after",
            "changed_at",
            "changed_by",
            "actor",
        )
        read_only_fields = fields
