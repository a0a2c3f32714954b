"""What the tenants app does when something happened elsewhere."""

from typing import cast

from core import directory
from core.events import StoredEvent, catalogue, subscriber
from tenants.threats.alerts import alerts_enqueue
from tenants.threats.events import threat_note
from tenants.threats.types import Severity, Subject, SubjectKind, ThreatKind


@subscriber("tenants.directory_forget", catalogue.TenantCreated, urgent=True)
def directory_forget(stored: StoredEvent) -> None:
    """Forget remembered host lookups, so that a new workspace answers at once."""
    directory.cache_forget()


@subscriber("tenants.token_reuse_note", catalogue.TokenReuseDetected)
def token_reuse_note(stored: StoredEvent) -> None:
    """Make a security event of a refresh token that was used twice."""
    event = cast(catalogue.TokenReuseDetected, stored.event)
    subject = Subject(SubjectKind.TOKEN_FAMILY, str(event.family_id))
    threat_note(kind=ThreatKind.TOKEN_REUSED, subject=subject)


@subscriber("tenants.threat_alert", catalogue.SecurityEventNoted)
def threat_alert(stored: StoredEvent) -> None:
    """Tell owners and admins of what is more than a notice."""
    event = cast(catalogue.SecurityEventNoted, stored.event)
    alerts_enqueue(security_event_id=event.security_event_id, severity=Severity(event.severity))
