"""The second step of signing in: authenticator apps, recovery codes, passkeys.

They are rows of allauth's `Authenticator`, checked by its code; what is asked when, how often one
may try and that no code works twice is decided here, for pages and tokens alike.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.exceptions import InvalidSignature
from django.core.exceptions import ValidationError
from django.db import transaction

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.redis import redis_client
from core.tasks import enqueue
from tenants import errors, throttle
from tenants.accounts import verification
from tenants.models import Person

ATTEMPTS, WINDOW_SECONDS = 10, 300
# A code is good for the half minute before and after its own; this outlasts all of them.
USED_SECONDS = 120
NAME_LENGTH = 60
REMOVALS = frozenset({"second_factor_off", "passkey_removed"})
# What the WebAuthn library raises for answers that no browser sends.
MALFORMED = (
    ValidationError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    struct.error,
    InvalidSignature,
)
_KINDS = Authenticator.Type


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: int
    name: str
    created_at: Any
    last_used_at: Any


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person signs in with beside the password."""

    is_on: bool
    recovery_codes_left: int
    passkeys: tuple[Passkey, ...]


def factors_for(*, person: Person) -> Factors:
    """Return what the person has set up; no secrets."""
    rows = list(Authenticator.objects.filter(user=person).order_by("created_at"))
    codes = [row for row in rows if row.type == _KINDS.RECOVERY_CODES]
    return Factors(
        is_on=any(row.type != _KINDS.RECOVERY_CODES for row in rows),
        recovery_codes_left=len(codes[0].wrap().get_unused_codes()) if codes else 0,
        passkeys=tuple(
            Passkey(row.pk, row.wrap().name, row.created_at, row.last_used_at)
            for row in rows
            if row.type == _KINDS.WEBAUTHN
        ),
    )


def second_factor_is_on(*, person: Person) -> bool:
    """Return whether the password alone does not sign this person in."""
    kinds = (_KINDS.TOTP, _KINDS.WEBAUTHN)
    return bool(Authenticator.objects.filter(user=person, type__in=kinds).exists())


def second_factor_require(*, person: Person, code: str) -> None:
    """Check the code of someone whose password is right, if they have turned the step on.

    Raises SecondFactorRequired without a code, SecondFactorWrong, RateLimited.
    """
    if not second_factor_is_on(person=person):
        return
    if not code:
        raise errors.SecondFactorRequired()
    code_verify(person=person, code=code)


def code_verify(*, person: Person, code: str) -> Any:
    """Use up a code of the person's app, or a recovery code, and return its `Authenticator`.

    A code works once, on all hosts together: of any number of calls at once one succeeds. Ten
    attempts in five minutes, whichever host they come by. Raises SecondFactorWrong, RateLimited.
    """
    throttle.person_attempt_count(
        kind="second-factor", person_id=person.pk, limit=ATTEMPTS, seconds=WINDOW_SECONDS
    )
    code = code.replace(" ", "")
    codes = Authenticator.objects.filter(user=person).exclude(type=_KINDS.WEBAUTHN)
    for factor in codes.order_by("-type"):  # the app's before the recovery codes
        if _is_right(factor, person, code):
            factor.record_usage()
            throttle.person_attempts_forget(kind="second-factor", person_id=person.pk)
            return factor
    raise errors.SecondFactorWrong()


@transaction.atomic
def app_activate(*, person: Person, secret: str, code: str) -> list[str]:
    """Turn two-step sign-in on with an app that shows the right code; return recovery codes.

    Locks the account. An unproved address is refused: its real owner could never get the account
    back. Raises EmailUnverified, SecondFactorOn, SecondFactorWrong, RateLimited.
    """
    verification.email_verified_require(person_id=person.pk)
    _locked(person)
    if Authenticator.objects.filter(user=person, type=_KINDS.TOTP).exists():
        raise errors.SecondFactorOn()
    throttle.person_attempt_count(
        kind="second-factor", person_id=person.pk, limit=ATTEMPTS, seconds=WINDOW_SECONDS
    )
    if not validate_totp_code(secret, code.replace(" ", "")) or not _claimed(person, code):
        raise errors.SecondFactorWrong()
    throttle.person_attempts_forget(kind="second-factor", person_id=person.pk)
    TOTP.activate(person, secret)
    _tell(person, "second_factor_on")
    return _codes_new(person)


@transaction.atomic
def factors_remove(*, person: Person) -> None:
    """Turn two-step sign-in off: app, recovery codes and passkeys are gone. Idempotent."""
    _locked(person)
    if Authenticator.objects.filter(user=person).delete()[0]:
        _tell(person, "second_factor_off")


@transaction.atomic
def recovery_codes_renew(*, person: Person) -> list[str]:
    """Replace the recovery codes and return them; raises SecondFactorOff when there is no app."""
    _locked(person)
    _app_require(person)
    _tell(person, "recovery_codes")
    return _codes_new(person)


def passkey_options(*, person: Person) -> dict[str, Any]:
    """Return what a browser needs to make a passkey for this host (WebAuthn creation options).

    The challenge stays in the request's session. The passkey itself asks for PIN or finger, so it
    is both steps in one. Raises SecondFactorOff: on other hosts only the app's code works.
    """
    _app_require(person)
    options: dict[str, Any] = webauthn.begin_registration(person, True)
    return options


@transaction.atomic
def passkey_add(*, person: Person, name: str, credential: dict[str, Any]) -> None:
    """Store a passkey that a browser made for our challenge.

    Raises PasskeyInvalid, SecondFactorOff.
    """
    _locked(person)
    _app_require(person)
    try:
        webauthn.parse_registration_response(credential)
        made = webauthn.complete_registration(credential)
    except MALFORMED as error:
        raise errors.PasskeyInvalid() from error
    if not made.is_user_verified():
        raise errors.PasskeyInvalid()
    webauthn.WebAuthn.add(person, name[:NAME_LENGTH], credential)
    _tell(person, "passkey_added")


def passkey_remove(*, person: Person, passkey_id: int) -> None:
    """Delete one of the person's passkeys; raises PasskeyUnknown."""
    mine = Authenticator.objects.filter(user=person, type=_KINDS.WEBAUTHN, pk=passkey_id)
    if not mine.delete()[0]:
        raise errors.PasskeyUnknown()
    _tell(person, "passkey_removed")


def _is_right(factor: Any, person: Person, code: str) -> bool:
    if not factor.wrap().validate_code(code):
        return False
    return factor.type != _KINDS.TOTP or _claimed(person, code)


def _claimed(person: Person, code: str) -> bool:
    """Return whether this is the first use of a right code; Redis lets one caller be the first."""
    digest = hashlib.sha256(f"{person.pk.hex}:{code}".encode()).hexdigest()[:32]
    key = f"fd:platform:otp-used:{digest}"
    return bool(redis_client().set(key, 1, nx=True, ex=USED_SECONDS))


def _codes_new(person: Person) -> list[str]:
    Authenticator.objects.filter(user=person, type=_KINDS.RECOVERY_CODES).delete()
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    return codes


def _app_require(person: Person) -> None:
    if not Authenticator.objects.filter(user=person, type=_KINDS.TOTP).exists():
        raise errors.SecondFactorOff()


def _locked(person: Person) -> None:
    list(Person.objects.select_for_update().filter(pk=person.pk).values_list("pk"))


def _tell(person: Person, what: str) -> None:
    """Record what changed and mail it; the platform's own host has no workspace to write for."""
    act = Act.SECOND_FACTOR_REMOVED if what in REMOVALS else Act.SECOND_FACTOR_ADDED
    about: dict[str, Any] = {"target_kind": "person", "target_id": person.pk}
    if tenancy.current() is not None:
        enqueue("tenants.security_mail", person_id=str(person.pk), what=what)
        act_record(act=act, data={"what": what}, **about)
        return
    with tenancy.platform_scope():
        act_record(act=act, data={"what": what}, **about)
