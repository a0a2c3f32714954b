"""Tell owners and admins by mail what looks like an attack: the first of its kind in an hour."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from core import tenancy
from core.tasks import enqueue
from tenants import mail, selectors
from tenants.mail import Letter
from tenants.threats.labels import TEXTS
from tenants.threats.models import SecurityEvent
from tenants.threats.types import Severity, ThreatKind
from tenants.types import Role

ALERTED = frozenset({Role.OWNER.value, Role.ADMIN.value})


def alerts_enqueue(*, security_event_id: UUID, severity: Severity) -> None:
    """Mail every owner and admin of the current tenant about an event that is more than a notice.

    A task for each person, sent when the transaction has committed: one address that bounces keeps
    nobody else from knowing.
    """
    if severity is Severity.NOTICE:
        return
    people = selectors.membership_list().filter(role__in=ALERTED, person__is_active=True)
    for person_id in people.values_list("person_id", flat=True):
        enqueue(
            "tenants.threat_mail",
            person_id=str(person_id),
            security_event_id=str(security_event_id),
        )


def alert_deliver(*, person_id: UUID, security_event_id: UUID) -> None:
    """Mail a member about an event. Raises OSError without mail server."""
    mine = SecurityEvent.objects.filter(tenant_id=tenancy.require().id)
    event = mine.filter(pk=security_event_id).first()
    person = selectors.person_get(person_id)
    if event is not None and person is not None:
        mail.letter_send(to=person.email, letter=_letter(event))


def _letter(event: SecurityEvent) -> Letter:
    text = TEXTS[ThreatKind(event.kind)]
    place = (_("It came from the network %(network)s.") % {"network": event.network},)
    return Letter(
        subject=_("Security: %(title)s") % {"title": str(text.title).lower()},
        lines=(str(text.explanation), *(place if event.network else ()), str(text.advice)),
        action=_("See what happened"),
        path="/settings/security/",
        closing=_("What repeats within the hour is counted there, and not mailed again."),
    )
