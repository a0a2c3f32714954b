"""Expected failures of the tenants app."""

from core.errors import (
    Conflict,
    DomainError,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    Unauthenticated,
)


class SlugTaken(Conflict):
    code = "slug_taken"
    title = "This address is already in use; choose another."


class SlugInvalid(DomainError):
    code = "slug_invalid"
    title = "Use 3 to 40 lower-case letters, digits and hyphens, starting with a letter."


class SlugReserved(DomainError):
    code = "slug_reserved"
    title = "This address is reserved; choose another."


class EmailTaken(Conflict):
    code = "email_taken"
    title = "An account with this e-mail exists; enter its password to add a workspace to it."


class PasswordWeak(DomainError):
    code = "password_weak"
    title = "Choose a stronger password."


class TenantUnknown(NotFound):
    code = "tenant_unknown"
    title = "There is no workspace at this address."


class ApiKeyInvalid(Unauthenticated):
    code = "api_key_invalid"
    title = "The API key is unknown, expired or revoked."


class ApiKeyUnknown(NotFound):
    code = "api_key_unknown"
    title = "There is no such API key in this workspace."


class ApiKeyNotRotatable(Conflict):
    code = "api_key_not_rotatable"
    title = "This key was replaced, revoked or has expired; create a new one."


class ScopeMissing(PermissionDenied):
    code = "scope_missing"
    title = "Your role or key does not include this permission."


class TicketInvalid(Unauthenticated):
    code = "ticket_invalid"
    title = "This sign-in link was used already or has expired; sign in with your password."


class AlreadyMember(Conflict):
    code = "already_member"
    title = "This person is a member of the workspace already."


class MemberUnknown(NotFound):
    code = "member_unknown"
    title = "Nobody by that name is in this workspace."


class LastOwner(Conflict):
    code = "last_owner"
    title = "A workspace needs an owner; make someone else an owner first."


class RoleTooHigh(PermissionDenied):
    code = "role_too_high"
    title = "Only an owner can do this to an owner."


class PasswordWrong(DomainError):
    code = "password_wrong"
    title = "This is not your current password."


class OwnerRequired(PermissionDenied):
    """An API key is never an owner, whoever made it."""

    code = "owner_required"
    title = "Only an owner of the workspace may change this."


class SettingGroupUnknown(NotFound):
    code = "setting_group_unknown"
    title = "There is no group of settings by this name."


class SettingChangeUnknown(NotFound):
    code = "setting_change_unknown"
    title = "There is no such change in this workspace's history."


class EditConflict(Conflict):
    """Somebody changed it since it was read; `version` is the one it has now."""

    code = "edit_conflict"
    title = "Someone else has changed this meanwhile; look at it again before you save."


class FlagUnknown(NotFound):
    code = "flag_unknown"
    title = "There is no feature by this name."


class FlagNotOpen(PermissionDenied):
    code = "flag_not_open"
    title = "This feature is not one that a workspace switches by itself."


class LimitsInvalid(DomainError):
    """A plan's limits name something that is not limited, or are no whole numbers."""

    code = "limits_invalid"
    title = "These limits cannot be stored."
    http_status = 422


class SeatsTaken(Conflict):
    """The plan's seats are all taken: remove somebody, or choose a larger plan."""

    code = "seats_taken"
    title = "Every seat of your plan is taken; remove somebody or choose a larger plan."


class ConcurrencyLimit(DomainError):
    """Too many of a kind go on at once: sockets, uploads or waiting calls. `of` says which."""

    code = "concurrency_limit"
    title = "Too many of these at once; wait for one to end."
    http_status = 429
    retryable = True


class SwitchedOff(ServiceUnavailable):
    """Given up for the moment so that the rest goes on; `switch` says which switch is on."""

    code = "switched_off"
    title = "This is switched off for the moment."


class SwitchInvalid(DomainError):
    """A degrade switch needs a reason, and a time of at most seven days."""

    code = "switch_invalid"
    title = "Say for how long, at most seven days, and why."


class QuotaExceeded(DomainError):
    """A plan's quota is used up; says which, how much, and when it starts anew."""

    code = "quota_exceeded"
    title = "The plan's quota for this period is used up."
    http_status = 429
