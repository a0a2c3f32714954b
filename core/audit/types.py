"""Acts, actors and findings of the audit log; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# The chain of the platform's own acts, which belong to no workspace.
PLATFORM_CHAIN = UUID(int=0)


class ActorKind(StrEnum):
    """Who acts: a member, a machine with a key, the platform's staff, or the software itself."""

    PERSON = "person"
    API_KEY = "api_key"
    PLATFORM = "platform"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by id, and from which network (the address without its last part)."""

    kind: ActorKind
    id: UUID | None = None
    network: str = ""


class Act(StrEnum):
    """Everything that is recorded: administrative and security-relevant acts."""

    WORKSPACE_CREATED = "workspace.created"
    WORKSPACE_LIMITS_SET = "workspace.limits_set"
    SIGNED_IN = "session.signed_in"
    SIGNED_OUT = "session.signed_out"
    PASSWORD_CHANGED = "person.password_changed"  # noqa: S105 - the name of an act
    MEMBER_ADDED = "member.added"
    MEMBER_ROLE_SET = "member.role_set"
    MEMBER_REMOVED = "member.removed"
    AGENT_CHANGED = "agent.changed"
    CANNED_REPLY_SAVED = "canned_reply.saved"
    CANNED_REPLY_DELETED = "canned_reply.deleted"
    NOTIFICATIONS_CHANGED = "notifications.changed"
    SLA_POLICY_CHANGED = "sla_policy.changed"
    INVITATION_SENT = "invitation.sent"
    INVITATION_REVOKED = "invitation.revoked"
    SECOND_FACTOR_ADDED = "person.second_factor_added"
    SECOND_FACTOR_REMOVED = "person.second_factor_removed"
    KEY_CREATED = "api_key.created"
    KEY_ROTATED = "api_key.rotated"
    KEY_REVOKED = "api_key.revoked"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an act
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an act
    TOKEN_REUSED = "token.reused"  # noqa: S105 - the name of an act
    SWITCH_ON = "switch.turned_on"
    SWITCH_OFF = "switch.turned_off"
    SETTING_CHANGED = "setting.changed"
    WIDGET_SECRET_ROTATED = "widget.secret_rotated"  # noqa: S105 - the name of an act
    FLAG_CHANGED = "flag.changed"
    WORKFLOW_DRAFTED = "workflow.drafted"
    WORKFLOW_DRAFT_SAVED = "workflow.draft_saved"
    WORKFLOW_DRAFT_DELETED = "workflow.draft_deleted"
    WORKFLOW_VALIDATED = "workflow.validated"
    WORKFLOW_PUBLISHED = "workflow.published"
    APPROVAL_DECIDED = "approval.decided"
    RUN_CANCELLED = "run.cancelled"
    RUN_REPLAYED = "run.replayed"
    RUNS_MIGRATED = "runs.migrated"
    SAGA_REDRIVEN = "saga.redriven"
    WORKFLOW_RETIRED = "workflow.retired"
    RUNS_STOPPED = "runs.stopped"
    RUNS_PURGED = "runs.purged"
    RUNS_RESUMED = "runs.resumed"
    ROUTING_CHANGED = "routing.changed"
    DOCUMENT_DELETED = "document.deleted"
    BLOCK_ADDED = "block.added"
    BLOCK_LIFTED = "block.lifted"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_VERIFIED = "audit.verified"
    ADMIN_ADDED = "admin.added"
    ADMIN_CHANGED = "admin.changed"
    ADMIN_DELETED = "admin.deleted"
    ADMIN_ACTION = "admin.action"
    EVENTS_REPLAYED = "events.replayed"
    REPLAY_CANCELLED = "events.replay_cancelled"
    DEAD_LETTERS_REDRIVEN = "events.redriven"
    SIGNING_KEY_ROTATED = "platform.signing_key_rotated"


@dataclass(frozen=True, slots=True)
class Attested:
    """What a signed checkpoint says: the chain's entry `seq` had this hash at that time."""

    tenant_id: UUID
    seq: int
    hash: bytes
    signed_at: datetime
    key_id: str
    signature: bytes


class FindingKind(StrEnum):
    """How a chain differs from what was recorded."""

    ALTERED = "altered"
    MISSING = "missing"
    MOVED = "moved"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORGED = "forged_checkpoint"
    UNATTESTED = "removed_checkpoint"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One difference: entries `first` to `last` of a chain, and what happened to them."""

    tenant_id: UUID
    first: int
    last: int
    kind: FindingKind

    def __str__(self) -> str:
        where = f"entry {self.first}" if self.first == self.last else ""
        where = where or f"entries {self.first} to {self.last}"
        return f"{self.tenant_id}: {where}: {self.kind.value}"
