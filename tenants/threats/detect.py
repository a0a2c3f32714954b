"""Notice attacks in what is refused anyway: the way of a request that succeeds stays as it was."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final
from uuid import UUID

import structlog
from redis import RedisError
from redis.commands.core import Script

from core import tenancy
from core.audit.actors import network_of
from core.redis import redis_client
from tenants.threats import blocks
from tenants.threats.events import threat_note
from tenants.threats.models import KeyPlace
from tenants.threats.scope import owner_key
from tenants.threats.types import BlockReach, Subject, SubjectKind, ThreatKind

log = structlog.get_logger(__name__)
_PLACES_LIMIT: Final = 20
_PLACES_REMEMBERED: Final = 50_000
_places: set[tuple[UUID, str]] = set()

# Adds a member to a set that lives for a window from its first member; returns how many it has.
_DISTINCT: Final = """
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SCARD', KEYS[1])
"""
_COUNT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """So many within so many seconds are an attack."""

    limit: int
    seconds: int


# Ten accounts tried from one address; one account tried from ten networks.
STUFFING: Final = Rule(10, 600)
ACCOUNT: Final = Rule(10, 600)
FOREIGN: Final = Rule(5, 600)
REFUSALS: Final = Rule(300, 300)


def sign_in_failed(*, address: str, email: str) -> None:
    """Take a wrong password into account. Blocks the address from signing in when it stuffs."""
    who, account = blocks.address_subject(address), _digest(email)
    if _distinct("accounts", who.id, account, STUFFING) >= STUFFING.limit:
        _attack(ThreatKind.CREDENTIAL_STUFFING, who, address, BlockReach.SIGN_IN)
    if _distinct("networks", account, who.id, ACCOUNT) >= ACCOUNT.limit:
        subject = Subject(SubjectKind.ACCOUNT, account)
        threat_note(kind=ThreatKind.ACCOUNT_ATTACK, subject=subject)


def foreign_credential_seen(*, address: str, subject: Subject | None = None) -> None:
    """Take into account that a genuine credential of another workspace was tried here.

    `subject` is the credential, when it is one this workspace should know about.
    """
    who = blocks.address_subject(address)
    threat_note(kind=ThreatKind.CROSS_TENANT, subject=subject or who)
    if _counted("foreign", who.id, FOREIGN) >= FOREIGN.limit:
        _attack(ThreatKind.CROSS_TENANT, who, address, BlockReach.ALL)


def refused_by_rate(*, subject: Subject, address: str) -> None:
    """Take a refusal by a rate limit into account; who goes on regardless is blocked."""
    if _counted("refused", subject.id, REFUSALS) == REFUSALS.limit:
        _attack(ThreatKind.RATE_ANOMALY, subject, address, BlockReach.ALL)


def key_used(*, key_id: UUID, address: str) -> None:
    """Remember where a key is used from, and note a place it was never used from before.

    The first place is where it lives; beyond twenty it moves about, and places say nothing.
    """
    network = network_of(address)
    if not network or (key_id, network) in _places:
        return
    if len(_places) >= _PLACES_REMEMBERED:
        _places.clear()
    _places.add((key_id, network))
    if _place_is_new(key_id, network):
        subject = Subject(SubjectKind.API_KEY, str(key_id), network)
        threat_note(kind=ThreatKind.KEY_NEW_PLACE, subject=subject)


def key_leaked(*, key_id: UUID, address: str) -> None:
    """Note a key that came in an address, where logs and proxies have read it."""
    subject = Subject(SubjectKind.API_KEY, str(key_id), network_of(address))
    threat_note(kind=ThreatKind.KEY_LEAKED, subject=subject)


def _place_is_new(key_id: UUID, network: str) -> bool:
    tenant_id = tenancy.require().id
    known = KeyPlace.objects.filter(tenant_id=tenant_id, key_id=key_id)
    before = known.count()
    _, is_new = KeyPlace.objects.get_or_create(
        key_id=key_id, network=network, defaults={"tenant_id": tenant_id}
    )
    return is_new and 0 < before < _PLACES_LIMIT


def _attack(kind: ThreatKind, subject: Subject, address: str, reach: BlockReach) -> None:
    event_id = threat_note(kind=kind, subject=subject)
    is_address = subject.kind is SubjectKind.ADDRESS
    if not is_address or blocks.address_is_blockable(address):
        blocks.block_add(subject=subject, reach=reach, event_id=event_id)


def _distinct(name: str, subject: str, member: str, rule: Rule) -> int:
    return _run(_DISTINCT, name, subject, member, rule)


def _counted(name: str, subject: str, rule: Rule) -> int:
    return _run(_COUNT, name, subject, "", rule)


def _run(source: str, name: str, subject: str, member: str, rule: Rule) -> int:
    """Return the count; without Redis nothing is noticed, and what is refused stays refused."""
    key = owner_key("threat", name, subject)
    try:
        return int(_script(source)(keys=[key], args=[member, rule.seconds], client=redis_client()))
    except RedisError as error:
        log.warning("threats_without_redis", error=type(error).__name__)
        return 0


@cache
def _script(source: str) -> Script:
    return redis_client().register_script(source)


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()[:32]
