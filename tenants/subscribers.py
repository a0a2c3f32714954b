"""What the tenants app does when something happened elsewhere."""

from typing import cast

from core import directory
from core.events import StoredEvent, catalogue, subscriber
from tenants.threats.events import threat_note
from tenants.threats.types import Subject, SubjectKind, ThreatKind


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
