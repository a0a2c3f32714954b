"""Who an agent's socket belongs to: a member by session or access token, or a machine by key."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from core import tenancy
from core.errors import Unauthenticated
from tenants.errors import ApiKeyInvalid
from tenants.models import Person
from tenants.selectors import membership_for
from tenants.services import api_key_verify
from tenants.sessions import SESSION_TENANT
from tenants.tokens.grants import access_grant
from tenants.types import ROLE_SCOPES, Role


@dataclass(frozen=True, slots=True)
class Member:
    """Someone of this tenant's team, or one of its keys, and what they may do."""

    id: UUID
    name: str
    scopes: frozenset[str]
    is_person: bool


def member_by_key(secret: str) -> Member | None:
    """Return the machine with this API key of the current tenant, if there is one."""
    try:
        key = api_key_verify(secret=secret)
    except ApiKeyInvalid:
        return None
    return Member(id=key.pk, name=key.name, scopes=frozenset(key.scopes), is_person=False)


def member_by_token(token: str) -> Member | None:
    """Return the member whose access token of the current tenant this is."""
    try:
        grant = access_grant(token=token)
    except Unauthenticated:
        return None
    person = grant.membership.person
    return Member(id=person.pk, name=person.display_name, scopes=grant.scopes, is_person=True)


def member_by_session(session_key: str) -> Member | None:
    """Return whose session this is, as the middlewares of the web process would."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if request.session.get(SESSION_TENANT) != str(tenancy.require().id):
        return None
    user = get_user(request)
    if not isinstance(user, Person):
        return None
    membership = membership_for(person_id=user.pk)
    if membership is None:
        return None
    scopes = ROLE_SCOPES[Role(membership.role)]
    return Member(id=user.pk, name=user.display_name, scopes=scopes, is_person=True)
