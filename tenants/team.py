"""Writes that concern a workspace's team: who may join, change role, leave."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from tenants import errors, selectors, services
from tenants.admission.current import limits_current
from tenants.models import Membership, Person
from tenants.preferences import values_for
from tenants.preferences.groups import AccessRules
from tenants.types import Role

PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class AddedMember:
    """Who joined, and the password to hand over if an account was made for them."""

    email: str
    role: Role
    temporary_password: str = ""


@transaction.atomic
def team_member_add(*, actor: Membership, email: str, full_name: str, role: Role) -> AddedMember:
    """Give someone a role here, making their account if there is none. Publishes PersonJoined.

    Locks the owners, so that two cannot take the last seat. Raises RoleTooHigh or OwnerRequired if
    the actor may not grant the role, AlreadyMember, SeatsTaken.
    """
    _authority_check(actor, role)
    person = selectors.person_by_email(email)
    if person is None or selectors.membership_for(person_id=person.pk) is None:
        _seat_check()
    password = "" if person else secrets.token_urlsafe(PASSWORD_BYTES)
    if person is None:
        person = services.person_create(email=email, password=password, full_name=full_name)
    elif selectors.membership_for(person_id=person.pk) is not None:
        raise errors.AlreadyMember()
    services.member_add(person=person, role=role)
    return AddedMember(email=person.email, role=role, temporary_password=password)


@transaction.atomic
def team_role_set(*, actor: Membership, person_id: UUID, role: Role) -> Membership:
    """Change a member's role; locks the team. Raises RoleTooHigh, LastOwner, MemberUnknown."""
    member = _member_locked(person_id)
    _authority_check(actor, role, Role(member.role))
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
    """End a membership; the account stays. Raises RoleTooHigh, LastOwner, MemberUnknown."""
    member = _member_locked(person_id)
    _authority_check(actor, Role(member.role))
    _owner_left_check(member)
    member.delete()
    act_record(act=Act.MEMBER_REMOVED, target_kind="person", target_id=person_id)


@transaction.atomic
def person_password_set(*, person: Person, current: str, new: str) -> None:
    """Replace a person's password; raises PasswordWrong unless they know the current one."""
    if not person.check_password(current):
        raise errors.PasswordWrong()
    person.set_password(new)
    person.save(update_fields=["password"])
    act_record(act=Act.PASSWORD_CHANGED, target_kind="person", target_id=person.pk)


def _authority_check(actor: Membership, *roles: Role) -> None:
    """Only owners make, change or remove owners; otherwise an admin could promote themselves.

    A workspace may leave the whole team to its owners; raises OwnerRequired then.
    """
    if actor.role != Role.OWNER and not values_for(AccessRules).admins_add_people:
        raise errors.OwnerRequired()
    if Role.OWNER in roles and actor.role != Role.OWNER:
        raise errors.RoleTooHigh()


def _team() -> QuerySet[Membership]:
    mine = Membership.objects.filter(tenant_id=tenancy.require().id)
    return mine.select_related("person")


def _seat_check() -> None:
    seats = limits_current().seats
    _owners_lock()
    if seats is not None and _team().count() >= seats:
        raise errors.SeatsTaken(limit=seats)


def _owners_lock() -> None:
    list(_team().filter(role=Role.OWNER.value).order_by("pk").select_for_update(of=("self",)))


def _member_locked(person_id: UUID) -> Membership:
    """Return the member while holding every owner's row, so two owners cannot leave at once."""
    _owners_lock()
    member = _team().select_for_update(of=("self",)).filter(person_id=person_id).first()
    if member is None:
        raise errors.MemberUnknown()
    return member


def _owner_left_check(member: Membership) -> None:
    others = _team().filter(role=Role.OWNER.value).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise errors.LastOwner()
