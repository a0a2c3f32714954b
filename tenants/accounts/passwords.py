"""A forgotten password: a link by mail, good once and for an hour (PASSWORD_RESET_TIMEOUT)."""

from __future__ import annotations

import re
from uuid import UUID

from allauth.account.forms import default_token_generator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from core.audit.record import act_record
from core.audit.types import Act
from core.identifiers import uuid7
from core.tasks import enqueue
from tenants import errors, mail, selectors, throttle
from tenants.accounts import letters, sessions, verification
from tenants.models import Person

KEY = re.compile(r"([0-9a-f]{32})-([0-9A-Za-z]+-[0-9a-f]+)")
PER_ACCOUNT, PER_ADDRESS, WINDOW_SECONDS = 3, 30, 3600


def password_reset_request(*, email: str, client_address: str) -> None:
    """Mail a link to a member of the current tenant with this address.

    For unknown addresses the same is done, for nobody: answer and time tell nothing. Raises
    RateLimited after three for an address, or thirty from a client, in an hour.
    """
    email = email.strip().lower()
    for kind, subject, limit in (
        ("reset", email, PER_ACCOUNT),
        ("reset-address", client_address, PER_ADDRESS),
    ):
        throttle.attempt_count(kind=kind, subject=subject, limit=limit, seconds=WINDOW_SECONDS)
    person = selectors.person_by_email(email)
    enqueue("tenants.reset_mail", person_id=str(person.pk if person else uuid7()))


def password_reset_deliver(*, person_id: UUID) -> None:
    """Mail the link, if this is a member here. Raises OSError without mail server."""
    person = selectors.person_get(person_id)
    if person is not None:
        letter = letters.reset_letter(key=password_reset_key(person=person))
        mail.letter_send(to=person.email, letter=letter)


def password_reset_key(*, person: Person) -> str:
    """Return what a reset link carries; it ends with the password, the address or a sign-in."""
    return f"{person.pk.hex}-{default_token_generator.make_token(person)}"


def password_reset_person(*, key: str) -> Person:
    """Return whose password a link sets on the current tenant's host; raises LinkInvalid."""
    match = KEY.fullmatch(key)
    person = selectors.person_get(UUID(match[1])) if match else None
    if match is None or person is None or not default_token_generator.check_token(person, match[2]):
        raise errors.LinkInvalid()
    return person


@transaction.atomic
def password_reset(*, key: str, new: str) -> Person:
    """Set a new password; sessions and tokens of the old one end, nobody is signed in.

    The link came by mail, so the address is verified. Locks the account: a link works once. Raises
    LinkInvalid, PasswordWeak.
    """
    found = password_reset_person(key=key)
    list(Person.objects.select_for_update().filter(pk=found.pk))
    person = password_reset_person(key=key)
    password_set(person=person, new=new)
    verification.email_verified_set(person=person)
    return person


def password_set(*, person: Person, new: str) -> None:
    """Store a new password and tell its owner by mail. Raises PasswordWeak."""
    try:
        validate_password(new, person)
    except ValidationError as error:
        raise errors.PasswordWeak(" ".join(error.messages)) from error
    person.set_password(new)
    person.save(update_fields=["password"])
    act_record(act=Act.PASSWORD_CHANGED, target_kind="person", target_id=person.pk)
    sessions.sockets_recheck_everywhere(person_id=person.pk)
    enqueue("tenants.security_mail", person_id=str(person.pk), what="password")
