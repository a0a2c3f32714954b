"""Addresses: the link that proves one, and the change to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.utils import timezone

from core.errors import RateLimited
from core.tenancy import TenantContext
from tenants import errors, selectors, services, throttle
from tenants.accounts import verification
from tenants.models import Person
from tenants.types import Role
from tests.tenants.mails import link_in, path_in, sent


@pytest.fixture
def person(in_acme: TenantContext) -> Iterator[Person]:
    """Return a member whose address is not proved yet."""
    made = services.person_create(email="new@acme.example.com", password="correct horse 42")
    services.member_add(person=made, role=Role.ADMIN)
    yield made
    for kind in ("verification", "email-change"):
        throttle.person_attempts_forget(kind=kind, person_id=made.pk)


def requested(person: Person) -> str:
    """Ask for the link and return its key."""
    with sent() as mails:
        verification.verification_request(person=person)
    return path_in(mails[0]).split("/")[3]


def test_request_mails_a_link_to_the_workspaces_own_host(person: Person) -> None:
    with sent() as mails:
        verification.verification_request(person=person)
    assert mails[0].to == [person.email]
    assert link_in(mails[0]).startswith("http://acme.localhost:8000/account/verify/")


def test_verify_proves_the_address_once(person: Person) -> None:
    key = requested(person)
    assert not verification.email_is_verified(person_id=person.pk)
    verification.email_verify(key=key)
    assert verification.email_is_verified(person_id=person.pk)
    with pytest.raises(errors.LinkInvalid):
        verification.email_verify(key=key)


def test_verify_refuses_old_and_forged_links(person: Person) -> None:
    key = requested(person)
    later = time_machine.travel(timezone.now() + timedelta(days=3, minutes=1))
    with later, pytest.raises(errors.LinkInvalid):
        verification.email_verify(key=key)
    with pytest.raises(errors.LinkInvalid):
        verification.email_verify(key=key[:-1])
    assert not verification.email_is_verified(person_id=person.pk)


def test_request_is_silent_for_who_is_verified_and_braked_for_others(person: Person) -> None:
    for _ in range(verification.MAILS_PER_HOUR):
        requested(person)
    with pytest.raises(RateLimited):
        verification.verification_request(person=person)
    verification.email_verified_set(person=person)
    with sent() as mails:
        verification.verification_request(person=person)
    assert mails == []


def test_change_keeps_the_old_address_until_the_new_one_is_proved(person: Person) -> None:
    verification.email_verified_set(person=person)
    with sent() as mails:
        verification.email_change_request(person=person, email="Other@acme.example.com")
    link, notice = mails
    assert (link.to, notice.to) == (["other@acme.example.com"], ["new@acme.example.com"])
    assert selectors.person_by_email("other@acme.example.com") is None
    assert verification.email_is_verified(person_id=person.pk)
    verification.email_verify(key=path_in(link).split("/")[3])
    assert selectors.person_by_email("other@acme.example.com") == person
    assert selectors.person_by_email("new@acme.example.com") is None
    assert verification.email_is_verified(person_id=person.pk)
    assert EmailAddress.objects.filter(user=person).count() == 1


@pytest.mark.parametrize("email", ["owner@globex.example.com", "new@acme.example.com"])
def test_change_to_a_taken_address_is_silent(
    person: Person, globex: TenantContext, email: str
) -> None:
    with sent() as mails:
        verification.email_change_request(person=person, email=email)
    assert mails == []


def test_change_to_an_address_taken_meanwhile_fails(person: Person) -> None:
    with sent() as mails:
        verification.email_change_request(person=person, email="other@acme.example.com")
    services.person_create(
        email="other@acme.example.com", password="correct horse 42", is_verified=True
    )
    with pytest.raises(errors.AddressTaken):
        verification.email_verify(key=path_in(mails[0]).split("/")[3])


def test_account_of_old_without_a_row_can_be_proved(person: Person, people: Any) -> None:
    EmailAddress.objects.filter(user=person).delete()
    assert not verification.email_is_verified(person_id=person.pk)
    verification.email_verify(key=requested(person))
    assert verification.email_is_verified(person_id=person.pk)
