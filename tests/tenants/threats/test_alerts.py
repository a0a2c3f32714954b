"""Owners and admins are told of attacks by mail; of notices, and of other workspaces', nobody."""

from __future__ import annotations

from uuid import uuid4

from django.core.mail import EmailMessage

from core import tenancy
from core.tenancy import TenantContext
from tenants.threats.alerts import alerts_enqueue
from tenants.threats.events import threat_note
from tenants.threats.types import SEVERITY, Subject, SubjectKind, ThreatKind
from tests.conftest import World
from tests.tenants.mails import link_in, sent


def alert(tenant: TenantContext, kind: ThreatKind) -> list[EmailMessage]:
    """Note a threat and do what the subscriber does; returns the mails."""
    with tenancy.tenant_scope(tenant), sent() as mails:
        subject = Subject(SubjectKind.ADDRESS, uuid4().hex, "93.184.216.0/24")
        event_id = threat_note(kind=kind, subject=subject)
        alerts_enqueue(security_event_id=event_id, severity=SEVERITY[kind])
    return mails


def test_owners_and_admins_are_told(
    acme: TenantContext, globex: TenantContext, world: World
) -> None:
    mails = alert(acme, ThreatKind.CREDENTIAL_STUFFING)
    assert sorted(mail.to[0] for mail in mails) == [
        "admin@acme.example.com",
        "owner@acme.example.com",
    ]
    [first, _] = mails
    assert first.subject == "Security: many accounts tried"
    assert "93.184.216.0/24" in first.body
    assert link_in(first) == "http://acme.localhost:8000/settings/security/"


def test_notices_are_not_mailed(acme: TenantContext, world: World) -> None:
    assert alert(acme, ThreatKind.KEY_NEW_PLACE) == []


def test_event_of_another_workspace_is_not_mailed(
    acme: TenantContext, globex: TenantContext, world: World
) -> None:
    from tenants.threats.alerts import alert_deliver

    with tenancy.tenant_scope(globex):
        subject = Subject(SubjectKind.ADDRESS, uuid4().hex)
        foreign = threat_note(kind=ThreatKind.CROSS_TENANT, subject=subject)
    with tenancy.tenant_scope(acme), sent() as mails:
        alert_deliver(person_id=world.people["acme", "owner"].pk, security_event_id=foreign)
    assert mails == []


def test_every_kind_makes_a_letter(acme: TenantContext, world: World) -> None:
    for kind in ThreatKind:
        for mail in alert(acme, kind):
            assert mail.subject.startswith("Security: ")
