"""E-mail and password of a member, behind one brake for the page and the API alike."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from tenants import throttle
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
    address = throttle.client_address(request)
    block_check(subject=address_subject(address), reach=BlockReach.SIGN_IN)
    _attempt_count("login", email, PER_ACCOUNT)
    _attempt_count("login-address", address, PER_ADDRESS)
    person = authenticate(request, username=email, password=password)
    if not isinstance(person, Person):
        return None
    throttle.attempts_forget(kind="login", subject=email)
    return person


def _attempt_count(kind: str, subject: str, limit: int) -> None:
    throttle.attempt_count(kind=kind, subject=subject, limit=limit, seconds=WINDOW_SECONDS)
