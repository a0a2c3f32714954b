"""What people call the acts and actors of the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.audit.types import Act, ActorKind

ACT_LABELS = {
    Act.WORKSPACE_CREATED: _("Workspace created"),
    Act.WORKSPACE_LIMITS_SET: _("Limits changed"),
    Act.SIGNED_IN: _("Signed in"),
    Act.SIGNED_OUT: _("Signed out"),
    Act.PASSWORD_CHANGED: _("Password changed"),
    Act.MEMBER_ADDED: _("Person added"),
    Act.MEMBER_ROLE_SET: _("Role changed"),
    Act.MEMBER_REMOVED: _("Person removed"),
    Act.NOTIFICATIONS_CHANGED: _("Notifications of waiting visitors changed"),
    Act.SLA_POLICY_CHANGED: _("Service level changed"),
    Act.AGENT_CHANGED: _("Capacity or queues of an agent changed"),
    Act.CANNED_REPLY_SAVED: _("Shared canned reply saved"),
    Act.CANNED_REPLY_DELETED: _("Shared canned reply deleted"),
    Act.INVITATION_SENT: _("Person invited"),
    Act.INVITATION_REVOKED: _("Invitation taken back"),
    Act.SECOND_FACTOR_ADDED: _("Second step set up"),
    Act.SECOND_FACTOR_REMOVED: _("Second step removed"),
    Act.KEY_CREATED: _("API key created"),
    Act.KEY_ROTATED: _("API key rotated"),
    Act.KEY_REVOKED: _("API key revoked"),
    Act.TOKEN_ISSUED: _("Access token issued"),
    Act.TOKEN_REVOKED: _("Access token revoked"),
    Act.TOKEN_REUSED: _("Refresh token used twice"),
    Act.SWITCH_ON: _("Degrade switch turned on"),
    Act.SWITCH_OFF: _("Degrade switch turned off"),
    Act.SETTING_CHANGED: _("Settings changed"),
    Act.WIDGET_SECRET_ROTATED: _("Identity secret of the widget changed"),
    Act.FLAG_CHANGED: _("Feature switched"),
    Act.WORKFLOW_DRAFTED: _("Workflow text put on record"),
    Act.WORKFLOW_DRAFT_SAVED: _("Workflow draft saved"),
    Act.WORKFLOW_DRAFT_DELETED: _("Workflow draft deleted"),
    Act.WORKFLOW_VALIDATED: _("Workflow validated"),
    Act.WORKFLOW_PUBLISHED: _("Workflow published"),
    Act.APPROVAL_DECIDED: _("Approval decided"),
    Act.RUN_CANCELLED: _("Run cancelled"),
    Act.RUN_REPLAYED: _("Models asked again for a replay"),
    Act.RUNS_MIGRATED: _("Runs moved to another version"),
    Act.SAGA_REDRIVEN: _("Compensations tried again"),
    Act.WORKFLOW_RETIRED: _("Workflow taken back"),
    Act.RUNS_STOPPED: _("Runs stopped"),
    Act.RUNS_PURGED: _("Runs ended before their time"),
    Act.RUNS_RESUMED: _("Runs resumed"),
    Act.ROUTING_CHANGED: _("Routing changed"),
    Act.DOCUMENT_DELETED: _("Document deleted"),
    Act.BLOCK_ADDED: _("Blocked"),
    Act.BLOCK_LIFTED: _("Block lifted"),
    Act.AUDIT_EXPORTED: _("Audit log downloaded"),
    Act.AUDIT_VERIFIED: _("Audit log verified"),
    Act.ADMIN_ADDED: _("Added by the platform"),
    Act.ADMIN_CHANGED: _("Changed by the platform"),
    Act.ADMIN_DELETED: _("Deleted by the platform"),
    Act.ADMIN_ACTION: _("Action of the platform"),
    Act.EVENTS_REPLAYED: _("Events replayed"),
    Act.REPLAY_CANCELLED: _("Replay of events cancelled"),
    Act.DEAD_LETTERS_REDRIVEN: _("Dead letters redriven"),
    Act.SIGNING_KEY_ROTATED: _("Signing key rotated"),
}
ACTOR_LABELS = {
    ActorKind.PERSON: _("A former member"),
    ActorKind.API_KEY: _("API key"),
    ActorKind.PLATFORM: _("Platform staff"),
    ActorKind.SYSTEM: _("Frontdesk"),
}
# Acts of the platform's own chain, which no workspace's log holds.
PLATFORM_ACTS = frozenset({Act.AUDIT_VERIFIED, Act.ADMIN_ACTION, Act.SIGNING_KEY_ROTATED})
