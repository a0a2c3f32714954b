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


class EmailUnverified(PermissionDenied):
    """Inviting people and making API keys wait until the own e-mail address is verified.

    The link is in the mail that came at sign-up; *Your account* sends another.
    """

    code = "email_unverified"
    title = "Confirm your e-mail address first; the link is in your mail."


class AddressTaken(Conflict):
    code = "address_taken"
    title = "This e-mail address belongs to another account."


class LinkInvalid(NotFound):
    code = "link_invalid"
    title = "This link was used already or has expired; ask for a new one."


class InvitationUnknown(NotFound):
    code = "invitation_unknown"
    title = "There is no such open invitation in this workspace."


class InvitationOpen(Conflict):
    code = "invitation_open"
    title = "This address has been invited already; send the invitation again or revoke it."


class SecondFactorRequired(Unauthenticated):
    """The person has turned two-step sign-in on; send the code of their app as `otp`."""

    code = "second_factor_required"
    title = "Send the code of your authenticator app as well."


class SecondFactorWrong(Unauthenticated):
    """The code is wrong, too old, or has been used before; a recovery code works once."""

    code = "second_factor_wrong"
    title = "This code is wrong or was used already."


class SecondFactorUnreadable(ServiceUnavailable):
    """The secret was sealed under another SECRET_KEY; the operator adds it to the fallbacks."""

    code = "second_factor_unreadable"
    title = "Your second step cannot be checked at the moment."
    retryable = False


class SecondFactorOn(Conflict):
    code = "second_factor_on"
    title = "Two-step sign-in is on already."


class SecondFactorOff(Conflict):
    code = "second_factor_off"
    title = "Set up an authenticator app first."


class PasskeyUnknown(NotFound):
    code = "passkey_unknown"
    title = "There is no such passkey in your account."


class PasskeyInvalid(DomainError):
    code = "passkey_invalid"
    title = "This passkey could not be added; try again."


class SessionUnknown(NotFound):
    code = "session_unknown"
    title = "You are not signed in there any more."


class QuotaExceeded(DomainError):
    """A plan's quota is used up; says which, how much, and when it starts anew."""

    code = "quota_exceeded"
    title = "The plan's quota for this period is used up."
    http_status = 429
