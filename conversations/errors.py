"""Expected failures of conversations, under the codes of docs/protocol.md."""

from core.errors import Conflict, DomainError, NotFound, PermissionDenied, Unauthenticated


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
    title = "There is no such conversation."


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "There is no such message."


class PersonNotFound(NotFound):
    code = "person_not_found"
    title = "There is no such person in this workspace."


class MessageEmpty(DomainError):
    code = "message_empty"
    title = "Write something first."


class MessageTooLong(DomainError):
    code = "message_too_long"
    title = "A message may have 8,000 characters at most."


class ClientIdInvalid(DomainError):
    code = "client_id_invalid"
    title = "A client id has 1 to 64 letters, digits, dots, underscores, colons or hyphens."


class ClientIdTaken(Conflict):
    code = "client_id_taken"
    title = "Someone else's message in this conversation has that client id."


class StaleReply(Conflict):
    """The reply was written for a moment that has passed: a person took over, or more was said."""

    code = "stale_reply"
    title = "The conversation has moved on; this reply is dropped."


class NotificationTargetNotFound(NotFound):
    code = "notification_target_not_found"
    title = "There is no such notification."


class NotificationTargetInvalid(DomainError):
    code = "notification_target_invalid"
    title = "Give a mail address, or a Slack webhook such as https://hooks.slack.com/services/…"


class TooManyNotificationTargets(Conflict):
    code = "too_many_notification_targets"
    title = "There are 50 notifications at most."


class PolicyNotFound(NotFound):
    code = "sla_policy_not_found"
    title = "There is no such service level."


class PolicyNameTaken(Conflict):
    code = "sla_policy_name_taken"
    title = "Another service level has that name."


class PolicyIncomplete(DomainError):
    code = "sla_policy_incomplete"
    title = "Say how many minutes at least one of the three may take."


class CapacityInvalid(DomainError):
    code = "capacity_invalid"
    title = "Somebody has 1 to 100 conversations at once."


class SkillsInvalid(DomainError):
    code = "skills_invalid"
    title = "Somebody serves 20 queues at most; a queue is named in small letters, such as billing."


class PersonCannotAnswer(Conflict):
    code = "person_cannot_answer"
    title = "Their role lets them read conversations, not answer them."


class AlreadyClaimed(Conflict):
    code = "already_claimed"
    title = "Someone else has this conversation."


class NotAssignedToYou(Conflict):
    code = "not_assigned_to_you"
    title = "Claim the conversation first."


class LabelsInvalid(DomainError):
    code = "labels_invalid"
    title = "A conversation has 20 labels at most, each of 40 characters and without a comma."


class SnoozeInvalid(DomainError):
    code = "snooze_invalid"
    title = "Snooze until a time that lies ahead, within a year."


class CursorInvalid(NotFound):
    code = "cursor_invalid"
    title = "This cursor leads nowhere; begin at the first page."


class AlreadyResolved(Conflict):
    code = "conversation_resolved"
    title = "This conversation is resolved."


class ConversationNotOpen(DomainError):
    code = "conversation_not_open"
    title = "Open the conversation on this socket first."


class TooManyOpen(DomainError):
    code = "too_many_open"
    title = "Too many conversations are open on this socket; close one."


class WidgetUnknown(NotFound):
    code = "widget_unknown"
    title = "There is no widget with this key here."


class OriginRefused(PermissionDenied):
    code = "origin_refused"
    title = "The widget is not allowed on this page."


class OriginInvalid(DomainError):
    code = "origin_invalid"
    title = "An origin looks like https://shop.example.com, without a path."


class VisitorTokenInvalid(Unauthenticated):
    code = "visitor_token_invalid"
    title = "The visitor token is unknown or has expired; start a new session."


class IdentityTokenInvalid(Unauthenticated):
    """The page named a visitor by a token that does not prove it.

    `reason` says why: not_set_up, malformed, signature, expired, too_long_lived, claims.
    """

    code = "identity_token_invalid"
    title = "The token does not prove who the visitor is."


class IdentityRequired(PermissionDenied):
    """This workspace lets only signed tokens say who a visitor is."""

    code = "identity_required"
    title = "Only a signed token can say who this visitor is."


class RatingClosed(Conflict):
    """A rating belongs to a resolved conversation, and can be changed for a day."""

    code = "rating_closed"
    title = "This conversation cannot be rated now."


class TenantMismatch(PermissionDenied):
    code = "tenant_mismatch"
    title = "This host serves another workspace than the one named."


class PersonRequired(PermissionDenied):
    code = "person_required"
    title = "Say which member of the team acts: `person_id`."


class CustomerRequired(DomainError):
    code = "customer_required"
    title = "Say who speaks: `user_id`, or the `conversation_id` to go on with."


class VariableInvalid(DomainError):
    """A text names something that is not known where it is used, or a brace is missing."""

    code = "variable_invalid"
    title = (
        "A text may leave open {{customer.name}}, {{agent.name}}, {{workspace.name}} and "
        "{{conversation.id}}, each with something instead: {{customer.name|there}}."
    )


class ShortcutInvalid(DomainError):
    code = "shortcut_invalid"
    title = "A shortcut has 1 to 40 small letters, digits and hyphens, such as refund-policy."


class ShortcutTaken(Conflict):
    code = "shortcut_taken"
    title = "There is a reply with this shortcut already."


class CannedReplyNotFound(NotFound):
    code = "canned_reply_not_found"
    title = "There is no such canned reply."


class CannedRepliesFull(Conflict):
    code = "canned_replies_full"
    title = "There are as many canned replies as a workspace or a person may have; delete some."


class SharedByAdmins(PermissionDenied):
    code = "shared_by_admins"
    title = "What everybody shares is changed by admins; make one of your own."


class AttachmentNotFound(NotFound):
    """There is none by this id, it was not sent within a day, or it is somebody else's."""

    code = "attachment_not_found"
    title = "There is no such file; upload it again."


class AttachmentTaken(Conflict):
    code = "attachment_taken"
    title = "This file was sent with a message already."


class TooManyAttachments(DomainError):
    code = "too_many_attachments"
    title = "A message has 5 files at most."


class AttachmentEmpty(DomainError):
    code = "attachment_empty"
    title = "The file is empty."


class AttachmentTooLarge(DomainError):
    code = "attachment_too_large"
    title = "A file may have 10 MB at most."
    http_status = 413


class AttachmentNameInvalid(DomainError):
    code = "attachment_name_invalid"
    title = "The file needs a name of at most 200 characters."


class AttachmentTypeUnsupported(DomainError):
    code = "attachment_type_unsupported"
    title = "Send pictures (PNG, JPEG, WebP, GIF), PDF, text, CSV or office documents."


class AttachmentMismatch(DomainError):
    """The bytes are of another kind than the ending of the name, or damaged."""

    code = "attachment_mismatch"
    title = "The file is not what its name says."


class AttachmentUnsafe(DomainError):
    """Files that are two kinds at once, and office documents with macros, are not passed on."""

    code = "attachment_unsafe"
    title = "This file cannot be passed on safely."


class AttachmentImageTooLarge(DomainError):
    code = "attachment_image_too_large"
    title = "A picture may have 50 million pixels at most."
