"""E-mail addresses and the proof that they are one's own, in allauth's `EmailAddress`.

An account has one verified address, by which it signs in. A new one replaces it when it is proved.
"""

from __future__ import annotations

from uuid import UUID

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.db import IntegrityError, transaction

from core.tasks import enqueue
from tenants import errors, mail, throttle
from tenants.accounts import letters
from tenants.models import Person

MAILS_PER_HOUR = 5


def email_is_verified(*, person_id: UUID) -> bool:
    """Return whether the person has proved the address they sign in by."""
    mine = EmailAddress.objects.filter(user_id=person_id)
    return bool(mine.filter(primary=True, verified=True).exists())


def email_verified_require(*, person_id: UUID) -> None:
    """Raise EmailUnverified unless the person has proved their address."""
    if not email_is_verified(person_id=person_id):
        raise errors.EmailUnverified()


def email_verified_set(*, person: Person) -> None:
    """Note that the person's address is proved, by a link that reached it. Idempotent."""
    address = _primary_ensure(person)
    if not address.verified:
        address.verified = True
        address.save(update_fields=["verified"])


def verification_request(*, person: Person) -> None:
    """Send the link that proves the person's address, unless it is proved.

    Not idempotent: each call sends a mail, five an hour at most. Raises RateLimited.
    """
    address = _primary_ensure(person)
    if not address.verified:
        _mail_request(address)


def email_change_request(*, person: Person, email: str) -> None:
    """Send a link to a new address; until it is opened the old one stays.

    The old address is told. An address that belongs to someone else gets no mail, and whoever
    asks does not learn of it. Raises RateLimited.
    """
    email = email.strip().lower()
    throttle.person_attempt_count(
        kind="email-change", person_id=person.pk, limit=MAILS_PER_HOUR, seconds=3600
    )
    if email == person.email or Person.objects.filter(email=email).exists():
        return
    with transaction.atomic():
        EmailAddress.objects.filter(user=person, primary=False).delete()
        address = EmailAddress.objects.create(user=person, email=email)
        enqueue("tenants.verification_mail", address_id=address.pk)
        enqueue("tenants.security_mail", person_id=str(person.pk), what="email_change")


def verification_read(*, key: str) -> EmailAddress:
    """Return the address that a link is about; raises LinkInvalid."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    if confirmation is None:
        raise errors.LinkInvalid()
    return confirmation.email_address


def email_verify(*, key: str) -> EmailAddress:
    """Take the link's address as proved and sign in by it from now on.

    Locks the address: of two calls at once the second fails. Raises LinkInvalid, AddressTaken.
    """
    try:
        with transaction.atomic():
            return _verified(verification_read(key=key).pk)
    except IntegrityError as error:
        raise errors.AddressTaken() from error


def verification_deliver(*, address_id: int) -> None:
    """Mail the link for an address that is not proved yet. Raises OSError without mail server."""
    address = EmailAddress.objects.filter(pk=address_id, verified=False).first()
    if address is None:
        return
    letter = letters.verification_letter(
        email=address.email, key=EmailConfirmationHMAC.create(address).key
    )
    mail.letter_send(to=address.email, letter=letter)


def _mail_request(address: EmailAddress) -> None:
    throttle.person_attempt_count(
        kind="verification", person_id=address.user_id, limit=MAILS_PER_HOUR, seconds=3600
    )
    enqueue("tenants.verification_mail", address_id=address.pk)


def _primary_ensure(person: Person) -> EmailAddress:
    """Return the row of the address the person signs in by; accounts of old have none yet."""
    found, _ = EmailAddress.objects.get_or_create(
        user=person, email=person.email, defaults={"primary": True}
    )
    return found


def _verified(address_id: int) -> EmailAddress:
    found = EmailAddress.objects.select_for_update().filter(pk=address_id, verified=False).first()
    if found is None:
        raise errors.LinkInvalid()
    found.verified = True
    if found.primary:
        found.save(update_fields=["verified"])
    else:
        EmailAddress.objects.filter(user_id=found.user_id).exclude(pk=found.pk).delete()
        found.primary = True
        found.save(update_fields=["verified", "primary"])
        Person.objects.filter(pk=found.user_id).update(email=found.email)
    return found
