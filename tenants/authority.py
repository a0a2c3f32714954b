"""Who may change whose role, and whether a seat is left; for members and invitations alike."""

from __future__ import annotations

from django.db.models import QuerySet

from core import tenancy
from tenants import errors
from tenants.admission.current import limits_current
from tenants.models import Membership
from tenants.preferences import values_for
from tenants.preferences.groups import AccessRules
from tenants.types import Role


def authority_check(actor: Membership | None, *roles: Role) -> None:
    """Refuse what this actor may not do to these roles; None is a machine, which is no owner.

    Only owners make, change or remove owners; otherwise an admin could promote themselves. A
    workspace may leave the whole team to its owners. Raises OwnerRequired, RoleTooHigh.
    """
    is_owner = actor is not None and actor.role == Role.OWNER
    if not is_owner and not values_for(AccessRules).admins_add_people:
        raise errors.OwnerRequired()
    if Role.OWNER in roles and not is_owner:
        raise errors.RoleTooHigh()


def seat_check() -> None:
    """Refuse one member more than the plan has seats; raises SeatsTaken.

    Locks the owners until the transaction ends, so that two cannot take the last seat.
    """
    seats = limits_current().seats
    owners_lock()
    if seats is not None and team_rows().count() >= seats:
        raise errors.SeatsTaken(limit=seats)


def owners_lock() -> None:
    """Hold every owner's row until the transaction ends."""
    owners = team_rows().filter(role=Role.OWNER.value).order_by("pk")
    list(owners.select_for_update(of=("self",)))


def team_rows() -> QuerySet[Membership]:
    """Return the members of the current tenant with their people."""
    mine = Membership.objects.filter(tenant_id=tenancy.require().id)
    return mine.select_related("person")
