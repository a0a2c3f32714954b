"""Kinds of threats and what follows from each; no Django."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ThreatKind(StrEnum):
    """What was noticed."""

    CREDENTIAL_STUFFING = "credential_stuffing"
    ACCOUNT_ATTACK = "account_attack"
    KEY_NEW_PLACE = "key_new_place"
    KEY_LEAKED = "key_leaked"
    CROSS_TENANT = "cross_tenant"
    RATE_ANOMALY = "rate_anomaly"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - the name of a kind


class Severity(StrEnum):
    """Notices are to be read some time; warnings and worse are sent to owners and admins."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class SubjectKind(StrEnum):
    """Who is meant: an address (as a keyed hash), a key, a person, a family of tokens."""

    ADDRESS = "address"
    API_KEY = "api_key"
    ACCOUNT = "account"
    TOKEN_FAMILY = "token_family"  # noqa: S105 - the name of a kind


class BlockReach(StrEnum):
    """What a blocked address may not do: sign in, or anything."""

    SIGN_IN = "sign_in"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an event is about. `network` is for people to read, never to decide by."""

    kind: SubjectKind
    id: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Blocking:
    """A block that is on: reach, and the seconds it still lasts."""

    reach: BlockReach
    seconds: int


# An event of a kind about a subject is one row an hour; what repeats is counted on it.
WINDOW = timedelta(hours=1)
SEVERITY = {
    ThreatKind.CREDENTIAL_STUFFING: Severity.CRITICAL,
    ThreatKind.ACCOUNT_ATTACK: Severity.WARNING,
    ThreatKind.KEY_NEW_PLACE: Severity.NOTICE,
    ThreatKind.KEY_LEAKED: Severity.WARNING,
    ThreatKind.CROSS_TENANT: Severity.WARNING,
    ThreatKind.RATE_ANOMALY: Severity.NOTICE,
    ThreatKind.TOKEN_REUSED: Severity.WARNING,
}
