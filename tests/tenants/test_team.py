"""Who may join, change role and leave."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from core import tenancy
from core.tenancy import TenantContext
from tenants import errors, selectors, services, team
from tenants.models import Membership
from tenants.types import Role

People = dict[tuple[str, str], Any]


def member(people: People, role: str, slug: str = "acme") -> Membership:
    found = selectors.membership_for(person_id=people[slug, role].pk)
    assert found
    return found


@pytest.mark.parametrize("target", ["owner", "agent"])
def test_role_set_by_an_admin_never_touches_ownership(
    in_acme: TenantContext, people: People, target: str
) -> None:
    role = Role.ADMIN if target == "owner" else Role.OWNER
    with pytest.raises(errors.RoleTooHigh):
        team.team_role_set(
            actor=member(people, "admin"), person_id=people["acme", target].pk, role=role
        )


def test_owner_may_step_down_once_there_is_another(in_acme: TenantContext, people: People) -> None:
    owner, admin = member(people, "owner"), people["acme", "admin"]
    with pytest.raises(errors.LastOwner):
        team.team_role_set(actor=owner, person_id=owner.person_id, role=Role.AGENT)
    team.team_role_set(actor=owner, person_id=admin.pk, role=Role.OWNER)
    changed = team.team_role_set(actor=owner, person_id=owner.person_id, role=Role.AGENT)
    assert changed.role == Role.AGENT


def test_remove_keeps_the_account(in_acme: TenantContext, people: People) -> None:
    agent = people["acme", "agent"]
    team.team_member_remove(actor=member(people, "admin"), person_id=agent.pk)
    assert selectors.membership_for(person_id=agent.pk) is None
    assert selectors.person_by_email(agent.email) == agent


@pytest.mark.parametrize("which", ["nobody", "member of another workspace"])
def test_changes_reach_only_ones_own_team(
    in_acme: TenantContext, globex: TenantContext, people: People, which: str
) -> None:
    person_id = uuid4() if which == "nobody" else people["globex", "viewer"].pk
    with pytest.raises(errors.MemberUnknown):
        team.team_member_remove(actor=member(people, "owner"), person_id=person_id)
    with tenancy.tenant_scope(globex):
        assert member(people, "viewer", "globex").role == Role.VIEWER


def test_password_set_needs_the_current_one(in_acme: TenantContext, people: People) -> None:
    person = services.person_create(email="p@acme.example.com", password="correct horse 42")
    with pytest.raises(errors.PasswordWrong):
        team.person_password_set(person=person, current="wrong", new="another horse 43")
    team.person_password_set(person=person, current="correct horse 42", new="another horse 43")
    assert person.check_password("another horse 43")
