"""Writes that concern a workspace's team: who may change role, leave; `invitations` lets in."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from core.audit.record import act_record
from core.audit.types import Act
from tenants import credentials, errors, invitations
from tenants.accounts import passwords, sessions
from tenants.authority import authority_check, owners_lock, team_rows
from tenants.models import Membership, Person
from tenants.types import Role


@transaction.atomic
def team_role_set(*, actor: Membership, person_id: UUID, role: Role) -> Membership:
    """Change a member's role; locks the team.

    Raises RoleTooHigh, OwnerRequired, LastOwner, MemberUnknown.
    """
    member = _member_locked(person_id)
    authority_check(actor, role, Role(member.role))
    if role is not Role.OWNER:
        _owner_left_check(member)
    before, member.role = member.role, role.value
    member.save(update_fields=["role"])
    act_record(
        act=Act.MEMBER_ROLE_SET,
        target_kind="person",
        target_id=person_id,
        data={"from": before, "to": role.value},
    )
    return member


@transaction.atomic
def team_member_remove(*, actor: Membership, person_id: UUID) -> None:
    """End a membership, and sessions, tokens and sockets here; the account stays.

    Raises RoleTooHigh, OwnerRequired, LastOwner, MemberUnknown.
    """
    member = _member_locked(person_id)
    authority_check(actor, Role(member.role))
    _owner_left_check(member)
    member.delete()
    invitations.invitations_of_revoke(person_id=person_id)
    sessions.access_end(person_id=person_id)
    act_record(act=Act.MEMBER_REMOVED, target_kind="person", target_id=person_id)


def person_password_set(*, person: Person, current: str, new: str) -> None:
    """Replace a person's password; their other sessions and their tokens end.

    Raises PasswordWrong unless they know the current one, PasswordWeak, and RateLimited after ten
    wrong ones in five minutes.
    """
    credentials.password_require(person=person, password=current)
    passwords.password_set(person=person, new=new)


def _member_locked(person_id: UUID) -> Membership:
    """Return the member while holding every owner's row, so two owners cannot leave at once."""
    owners_lock()
    member = team_rows().select_for_update(of=("self",)).filter(person_id=person_id).first()
    if member is None:
        raise errors.MemberUnknown()
    return member


def _owner_left_check(member: Membership) -> None:
    others = team_rows().filter(role=Role.OWNER.value).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise errors.LastOwner()
