"""E-mail and password of a member, behind one brake for the page and the API alike."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from tenants import errors, throttle
from tenants.models import Person

PER_ACCOUNT = 10
PER_ADDRESS = 60
WINDOW_SECONDS = 300


def member_authenticate(*, request: HttpRequest, email: str, password: str) -> Person | None:
    """Return the member of the current tenant with this e-mail and password, or None.

    Raises RateLimited after ten attempts on an account, or sixty from an address, in five minutes.
    """
    email = email.lower()
    _attempt_count("login", email, PER_ACCOUNT)
    _attempt_count("login-address", throttle.client_address(request), PER_ADDRESS)
    person = authenticate(request, username=email, password=password)
    if not isinstance(person, Person):
        return None
    throttle.attempts_forget(kind="login", subject=email)
    return person


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
