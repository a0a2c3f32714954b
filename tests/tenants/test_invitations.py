"""Invitations: who may ask whom, the mail, and what its link is worth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.utils import timezone

from core import tenancy
from core.errors import RateLimited
from core.tenancy import TenantContext
from tenants import errors, invitations, selectors, services, team, throttle
from tenants.accounts import verification
from tenants.models import Invitation, Membership
from tenants.types import InvitationState, Role
from tests.tenants.mails import link_in, path_in, sent

People = dict[tuple[str, str], Any]
PASSWORD = "a horse that is new 7"


def member(people: People, role: str) -> Membership:
    found = selectors.membership_for(person_id=people["acme", role].pk)
    assert found
    return found


def invited(people: People, email: str = "new@acme.example.com", role: Role = Role.AGENT) -> str:
    """Invite someone and return the token in their mail."""
    with sent() as mails:
        invitations.invitation_create(actor=member(people, "owner"), email=email, role=role)
    return path_in(mails[0]).split("/")[2]


def test_invitation_mail_comes_from_the_workspace_and_leads_to_its_host(
    in_acme: TenantContext, people: People
) -> None:
    with sent() as mails:
        invitations.invitation_create(
            actor=member(people, "owner"), email="New@acme.example.com", role=Role.AGENT
        )
    (message,) = mails
    assert message.to == ["new@acme.example.com"]
    assert message.from_email.startswith("Acme <")
    assert link_in(message).startswith("http://acme.localhost:8000/invitation/")
    html, kind = message.alternatives[0]
    assert (kind, link_in(message) in html) == ("text/html", True)


def test_invitation_keeps_no_link(in_acme: TenantContext, people: People) -> None:
    token = invited(people)
    row = Invitation.objects.values().get()
    assert token not in str(row)
    assert len(row["token_hash"]) == 64


def test_accept_makes_a_verified_account_and_a_member(
    in_acme: TenantContext, people: People
) -> None:
    token = invited(people)
    person = invitations.invitation_accept_new(token=token, full_name="N", password=PASSWORD)
    membership = selectors.membership_for(person_id=person.pk)
    assert membership
    assert membership.role == Role.AGENT
    assert person.email == "new@acme.example.com"
    assert person.check_password(PASSWORD)
    assert verification.email_is_verified(person_id=person.pk)


def test_accept_works_once(in_acme: TenantContext, people: People) -> None:
    token = invited(people)
    invitations.invitation_accept_new(token=token, full_name="N", password=PASSWORD)
    with pytest.raises(errors.LinkInvalid):
        invitations.invitation_accept_new(token=token, full_name="N", password=PASSWORD)


def test_accept_with_a_weak_password_leaves_the_link_as_it_was(
    in_acme: TenantContext, people: People
) -> None:
    token = invited(people)
    with pytest.raises(errors.PasswordWeak):
        invitations.invitation_accept_new(token=token, full_name="N", password="short")
    assert invitations.invitation_for_token(token=token).state is InvitationState.OPEN


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "%00" * 14 + "x"])
def test_token_that_is_none_is_refused(in_acme: TenantContext, token: str) -> None:
    with pytest.raises(errors.LinkInvalid):
        invitations.invitation_for_token(token=token)


def test_token_opens_no_other_workspace(
    in_acme: TenantContext, globex: TenantContext, people: People
) -> None:
    token = invited(people)
    with tenancy.tenant_scope(globex), pytest.raises(errors.LinkInvalid):
        invitations.invitation_accept_new(token=token, full_name="N", password=PASSWORD)


def test_token_ends_after_seven_days(in_acme: TenantContext, people: People) -> None:
    token = invited(people)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        with pytest.raises(errors.LinkInvalid):
            invitations.invitation_for_token(token=token)
        assert Invitation.objects.get().state is InvitationState.EXPIRED
        invited(people)  # an expired one does not stand in the way of a new one
    states = {found.state for found in Invitation.objects.all()}
    assert states == {InvitationState.REVOKED, InvitationState.OPEN}


def test_send_again_ends_the_earlier_link(in_acme: TenantContext, people: People) -> None:
    first = invited(people)
    pk = Invitation.objects.get().pk
    with sent() as mails:
        invitations.invitation_send_again(actor=member(people, "admin"), invitation_id=pk)
    second = path_in(mails[0]).split("/")[2]
    with pytest.raises(errors.LinkInvalid):
        invitations.invitation_for_token(token=first)
    assert invitations.invitation_for_token(token=second).pk == pk


def test_revoke_ends_the_link_and_a_mail_still_to_be_sent(
    in_acme: TenantContext, people: People
) -> None:
    token = invited(people)
    pk = Invitation.objects.get().pk
    for _ in range(2):
        invitations.invitation_revoke(actor=member(people, "admin"), invitation_id=pk)
    with pytest.raises(errors.LinkInvalid):
        invitations.invitation_for_token(token=token)
    with sent() as mails:
        invitations.invitation_deliver(invitation_id=pk)
    assert mails == []


def test_changes_reach_only_ones_own_invitations(
    in_acme: TenantContext, globex: TenantContext, people: People
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = invitations.invitation_create(actor=None, email="x@y.example", role=Role.AGENT)
    for pk in (theirs.pk, uuid4()):
        with pytest.raises(errors.InvitationUnknown):
            invitations.invitation_revoke(actor=member(people, "owner"), invitation_id=pk)
        with pytest.raises(errors.InvitationUnknown):
            invitations.invitation_send_again(actor=member(people, "owner"), invitation_id=pk)
    assert list(selectors.invitation_list()) == []


@pytest.mark.parametrize("who", ["admin", "machine"])
def test_owners_are_invited_by_owners_alone(
    in_acme: TenantContext, people: People, who: str
) -> None:
    actor = member(people, "admin") if who == "admin" else None
    with pytest.raises(errors.RoleTooHigh):
        invitations.invitation_create(actor=actor, email="o@acme.example.com", role=Role.OWNER)


def test_invite_refuses_members_and_open_invitations(
    in_acme: TenantContext, people: People
) -> None:
    owner = member(people, "owner")
    with pytest.raises(errors.AlreadyMember):
        invitations.invitation_create(actor=owner, email="viewer@acme.example.com", role=Role.AGENT)
    invited(people)
    with pytest.raises(errors.InvitationOpen):
        invitations.invitation_create(actor=owner, email="NEW@acme.example.com", role=Role.AGENT)


def test_invite_waits_for_the_inviters_own_verification(
    in_acme: TenantContext, people: People
) -> None:
    owner = member(people, "owner")
    EmailAddress.objects.filter(user_id=owner.person_id).update(verified=False)
    with pytest.raises(errors.EmailUnverified):
        invitations.invitation_create(actor=owner, email="n@acme.example.com", role=Role.AGENT)
    with pytest.raises(errors.EmailUnverified):
        services.api_key_create(name="k", scopes=["team:read"], created_by=owner.person_id)


def test_invite_is_braked(in_acme: TenantContext, settings: Any) -> None:
    throttle.attempts_forget(kind="invitation", subject="workspace")
    settings.INVITATIONS_PER_HOUR = 1
    invitations.invitation_create(actor=None, email="n@acme.example.com", role=Role.AGENT)
    with pytest.raises(RateLimited):
        invitations.invitation_create(actor=None, email="m@acme.example.com", role=Role.AGENT)


def test_existing_person_joins_by_their_own_account_alone(
    in_acme: TenantContext, globex: TenantContext, people: People
) -> None:
    token = invited(people, "agent@globex.example.com", Role.VIEWER)
    with pytest.raises(errors.LinkInvalid):
        invitations.invitation_accept_existing(token=token, person=people["globex", "owner"])
    joined = invitations.invitation_accept_existing(token=token, person=people["globex", "agent"])
    assert joined.role == Role.VIEWER


def test_who_leaves_takes_their_invitations_along(in_acme: TenantContext, people: People) -> None:
    invitations.invitation_create(
        actor=member(people, "admin"), email="n@acme.example.com", role=Role.AGENT
    )
    admin = people["acme", "admin"].pk
    team.team_member_remove(actor=member(people, "owner"), person_id=admin)
    assert Invitation.objects.get().state is InvitationState.REVOKED
