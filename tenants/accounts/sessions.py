"""Where a person is signed in: listed, ended one by one or all at once.

Ending deletes Django's session, so the next request with its cookie is a stranger's. Open sockets
are told to check their credentials at once; one that misses it does so within half a minute.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import redis
import structlog
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core import tenancy
from core.realtime import broadcast, group_name
from core.redis import redis_client
from tenants import errors, selectors
from tenants.models import Person, PersonSession
from tenants.tokens.families import password_mark, token_families_end
from tenants.types import SESSION_DAYS_LIMIT

SEEN_SECONDS = 60
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)

log = structlog.get_logger(__name__)


def session_note(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Remember the session that just began on a workspace's host (a handler of Django's signal)."""
    tenant = tenancy.current()
    if tenant is None:
        return
    if not request.session.session_key:
        request.session.save()
    mine = PersonSession.objects.filter(tenant_id=tenant.id, person=user)
    over = timezone.now() - timedelta(days=SESSION_DAYS_LIMIT)
    mine.filter(created_at__lt=over).delete()
    PersonSession.objects.create(
        tenant_id=tenant.id,
        person=user,
        session_key=str(request.session.session_key),
        password_mark=password_mark(user),
        device=device_name(request.headers.get("User-Agent", "")),
    )
    _is_first_in_a_while(str(request.session.session_key))


def session_forget(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Forget the session that is being signed out of (a handler of Django's signal)."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key and tenancy.current() is not None:
        PersonSession.objects.filter(session_key=key).delete()


def session_seen(*, session_key: str) -> None:
    """Note that the session is in use, at most once a minute."""
    if _is_first_in_a_while(session_key):
        mine = PersonSession.objects.filter(session_key=session_key)
        mine.update(last_seen_at=timezone.now())


def session_list(*, person: Person) -> QuerySet[PersonSession]:
    """Return the person's sessions in the current tenant that still count, newest use first."""
    now = timezone.now()
    kept = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    mine = PersonSession.objects.filter(tenant_id=tenancy.require().id, person=person)
    return mine.filter(Exists(kept), password_mark=password_mark(person)).order_by("-last_seen_at")


@transaction.atomic
def session_end(*, person: Person, session_id: UUID) -> None:
    """End one of the person's sessions in the current tenant; raises SessionUnknown."""
    mine = PersonSession.objects.filter(tenant_id=tenancy.require().id, person=person)
    if not _ended(mine.filter(pk=session_id)):
        raise errors.SessionUnknown()
    sockets_recheck(person_id=person.pk)


@transaction.atomic
def sessions_end_others(*, request: HttpRequest, person: Person) -> None:
    """End every session and every token of the person, in all workspaces, but this one."""
    Person.objects.filter(pk=person.pk).update(credentials_version=F("credentials_version") + 1)
    person.refresh_from_db(fields=["credentials_version"])
    session_keep(request=request, person=person)
    sockets_recheck_everywhere(person_id=person.pk)


def session_keep(*, request: HttpRequest, person: Person) -> None:
    """Let this session count on after a change that ends all others; it gets another key."""
    before = request.session.session_key
    update_session_auth_hash(request, person)
    if not request.session.session_key:
        request.session.save()
    PersonSession.objects.filter(session_key=before).update(
        session_key=request.session.session_key, password_mark=password_mark(person)
    )


def access_end(*, person_id: UUID) -> None:
    """End the sessions, tokens and sockets of someone who is no member any more. Idempotent."""
    mine = PersonSession.objects.filter(tenant_id=tenancy.require().id, person_id=person_id)
    _ended(mine)
    token_families_end(person_id=person_id)
    sockets_recheck(person_id=person_id)


def person_group(person_id: UUID) -> str:
    """Return the group that the sockets of a person follow in the current tenant."""
    return group_name("person", person_id)


def sockets_recheck(*, person_id: UUID) -> None:
    """Tell the person's sockets here to check their credentials, once all is committed."""
    frame = {"type": "recheck"}
    transaction.on_commit(partial(broadcast, person_group(person_id), frame, durable=False))


def sockets_recheck_everywhere(*, person_id: UUID) -> None:
    """Do the same in every workspace of the person."""
    for tenant in selectors.workspaces_for(person_id=person_id):
        with tenancy.tenant_scope(tenant.context):
            sockets_recheck(person_id=person_id)


def device_name(user_agent: str) -> str:
    """Return browser and system in words, such as "Firefox on Linux"; "" when they are unknown."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    if not browser and "Safari" in user_agent:
        browser = "Safari"
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or system


def _is_first_in_a_while(session_key: str) -> bool:
    """Return whether a minute has passed since this last said so; Redis remembers."""
    key = tenancy.tenant_key("seen", hashlib.sha256(session_key.encode()).hexdigest()[:32])
    try:
        return bool(redis_client().set(key, 1, nx=True, ex=SEEN_SECONDS))
    except redis.RedisError:
        log.warning("session_seen_not_noted")
        return False


def _ended(sessions: QuerySet[PersonSession]) -> int:
    keys = list(sessions.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    sessions.delete()
    return len(keys)
