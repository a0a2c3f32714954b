"""E-mail and password of a member, behind one brake for the page and the API alike."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from tenants import errors, throttle
from tenants.models import Person
from tenants.threats.blocks import address_subject, block_check
from tenants.threats.types import BlockReach

PER_ACCOUNT = 10
PER_ADDRESS = 60
WINDOW_SECONDS = 300


def member_authenticate(*, request: HttpRequest, email: str, password: str) -> Person | None:
    """Return the member of the current tenant with this e-mail and password, or None.

    Ten attempts at once on an account and sixty from an address, refilled within five minutes;
    raises RateLimited beyond that, ServiceUnavailable while nobody can count, and Blocked while
    the address is kept from signing in.
    """
    email = email.lower()
    attempts_count(request=request, email=email)
    person = authenticate(request, username=email, password=password)
    if not isinstance(person, Person):
        return None
    attempts_forget(email=email)
    return person


def attempts_count(*, request: HttpRequest, email: str) -> None:
    """Count an attempt to sign in, by account and by address. Raises RateLimited, Blocked."""
    block_check(subject=address_subject(throttle.client_address(request)), reach=BlockReach.SIGN_IN)
    _attempt_count("login", email.lower(), PER_ACCOUNT)
    address_attempt_count(request=request)


def attempts_forget(*, email: str) -> None:
    """Start over for an account whose password was right."""
    throttle.attempts_forget(kind="login", subject=email.lower())


def address_attempt_count(*, request: HttpRequest, kind: str = "login") -> None:
    """Count an attempt to sign in that names no account, one kind apart from another.

    Raises RateLimited after sixty from an address in five minutes.
    """
    _attempt_count(f"{kind}-address", throttle.client_address(request), PER_ADDRESS)


def password_require(*, person: Person, password: str) -> None:
    """Raise PasswordWrong unless this is the person's password, for what asks for it again.

    Raises RateLimited after ten attempts in five minutes, so that an open session is no way to
    guess it.
    """
    throttle.person_attempt_count(
        kind="password", person_id=person.pk, limit=PER_ACCOUNT, seconds=WINDOW_SECONDS
    )
    if not person.check_password(password):
        raise errors.PasswordWrong()
    throttle.person_attempts_forget(kind="password", person_id=person.pk)


def _attempt_count(kind: str, subject: str, limit: int) -> None:
    throttle.attempt_count(kind=kind, subject=subject, limit=limit, seconds=WINDOW_SECONDS)
