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
