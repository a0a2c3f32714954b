"""Invitations: an e-mail address and a role, a mail with a link that works once, a membership."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.tasks import enqueue
from tenants import errors, mail, selectors, services, throttle
from tenants.accounts import letters, verification
from tenants.authority import authority_check, seat_check
from tenants.models import Invitation, Membership, Person
from tenants.types import Role

LIFETIME = timedelta(days=7)
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def invitation_create(*, actor: Membership | None, email: str, role: Role) -> Invitation:
    """Offer a role to an address and mail it the link; `actor` is None for a machine.

    Sixty an hour for a workspace, mails sent again included. Raises EmailUnverified, RoleTooHigh,
    OwnerRequired, AlreadyMember, SeatsTaken, InvitationOpen, RateLimited.
    """
    _actor_check(actor, role)
    _mails_count()
    email = email.strip().lower()
    try:
        with transaction.atomic():
            seat_check()
            invitation = _stored(email, role, actor)
            _record(Act.INVITATION_SENT, invitation)
            return invitation
    except IntegrityError as error:
        raise errors.InvitationOpen() from error


def invitation_send_again(*, actor: Membership | None, invitation_id: UUID) -> Invitation:
    """Mail a new link, good for seven days from now; the earlier link ends.

    Raises EmailUnverified, RoleTooHigh, InvitationUnknown, RateLimited.
    """
    with transaction.atomic():
        invitation = _open_locked(pk=invitation_id)
        _actor_check(actor, Role(invitation.role))
        _mails_count()
        invitation.expires_at = timezone.now() + LIFETIME
        invitation.save(update_fields=["expires_at"])
        enqueue("tenants.invitation_mail", invitation_id=str(invitation.pk))
    return invitation


@transaction.atomic
def invitation_revoke(*, actor: Membership | None, invitation_id: UUID) -> None:
    """End an invitation: its link opens nothing any more. Idempotent.

    Raises InvitationUnknown when there is none or it has been accepted, RoleTooHigh.
    """
    mine = Invitation.objects.filter(tenant_id=tenancy.require().id, accepted_at=None)
    invitation = mine.select_for_update().filter(pk=invitation_id).first()
    if invitation is None:
        raise errors.InvitationUnknown()
    authority_check(actor, Role(invitation.role))
    if invitation.revoked_at is None:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        _record(Act.INVITATION_REVOKED, invitation)


def invitation_for_token(*, token: str) -> Invitation:
    """Return the open invitation that a link is for; raises LinkInvalid."""
    found = _open().filter(token_hash=_hash(token)).first() if TOKEN.fullmatch(token) else None
    if found is None or found.expires_at <= timezone.now():
        raise errors.LinkInvalid()
    return found


@transaction.atomic
def invitation_accept_new(*, token: str, full_name: str, password: str) -> Person:
    """Make an account for whoever holds the link, and a member of it. Publishes PersonJoined.

    The link came by mail, so the address is verified. Locks the invitation: it is accepted once.
    Raises LinkInvalid, PasswordWeak, EmailTaken, SeatsTaken.
    """
    invitation = _accepted(token)
    seat_check()
    person = services.person_create(
        email=invitation.email, password=password, full_name=full_name, is_verified=True
    )
    services.member_add(person=person, role=Role(invitation.role))
    return person


@transaction.atomic
def invitation_accept_existing(*, token: str, person: Person) -> Membership:
    """Make the invited person a member; they have proved who they are. Publishes PersonJoined.

    Somebody else's account is refused, and a member keeps the role they have. Raises LinkInvalid,
    SeatsTaken.
    """
    invitation = _accepted(token)
    if person.email != invitation.email:
        raise errors.LinkInvalid()
    verification.email_verified_set(person=person)
    known = selectors.membership_for(person_id=person.pk)
    if known is not None:
        return known
    seat_check()
    return services.member_add(person=person, role=Role(invitation.role))


def invitation_deliver(*, invitation_id: UUID) -> None:
    """Give an open invitation a new link and mail it; raises OSError without mail server.

    The link exists in this mail alone: neither the database nor the broker ever holds it.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = _open().select_for_update().filter(pk=invitation_id).first()
        if invitation is None:
            return
        invitation.token_hash, invitation.sent_at = _hash(token), timezone.now()
        invitation.save(update_fields=["token_hash", "sent_at"])
    mail.letter_send(to=invitation.email, letter=_letter(invitation, token))


def invitations_of_revoke(*, person_id: UUID) -> None:
    """End what someone offered in the current tenant; called when they leave. Idempotent."""
    _open().filter(invited_by=person_id).update(revoked_at=timezone.now())


def _letter(invitation: Invitation, token: str) -> mail.Letter:
    workspace = selectors.tenant_current().name
    inviter = selectors.person_get(invitation.invited_by) if invitation.invited_by else None
    return letters.invitation_letter(
        workspace=workspace,
        inviter=inviter.display_name if inviter else workspace,
        role=invitation.role,
        token=token,
    )


def _stored(email: str, role: Role, actor: Membership | None) -> Invitation:
    person = selectors.person_by_email(email)
    if person is not None and selectors.membership_for(person_id=person.pk) is not None:
        raise errors.AlreadyMember()
    now = timezone.now()
    _open().filter(email=email, expires_at__lte=now).update(revoked_at=now)
    invitation = Invitation.objects.create(
        tenant_id=tenancy.require().id,
        email=email,
        role=role.value,
        invited_by=actor.person_id if actor else None,
        expires_at=now + LIFETIME,
    )
    enqueue("tenants.invitation_mail", invitation_id=str(invitation.pk))
    return invitation


def _accepted(token: str) -> Invitation:
    invitation = _open_locked(pk=invitation_for_token(token=token).pk)
    if invitation.token_hash != _hash(token):
        raise errors.LinkInvalid()
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    return invitation


def _open() -> QuerySet[Invitation]:
    mine = Invitation.objects.filter(tenant_id=tenancy.require().id)
    return mine.filter(accepted_at=None, revoked_at=None)


def _open_locked(*, pk: UUID) -> Invitation:
    found = _open().select_for_update().filter(pk=pk).first()
    if found is None:
        raise errors.InvitationUnknown()
    return found


def _actor_check(actor: Membership | None, role: Role) -> None:
    if actor is not None:
        verification.email_verified_require(person_id=actor.person_id)
    authority_check(actor, role)


def _record(act: Act, invitation: Invitation) -> None:
    about = {"role": invitation.role}
    act_record(act=act, target_kind="invitation", target_id=invitation.pk, data=about)


def _mails_count() -> None:
    limit = settings.INVITATIONS_PER_HOUR
    throttle.attempt_count(kind="invitation", subject="workspace", limit=limit, seconds=3600)


def _hash(token: str) -> str:
    """Return the stored form: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
