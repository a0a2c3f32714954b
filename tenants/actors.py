"""Who acts, for the audit log: member, key, platform staff, or nobody in particular."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from core import tenancy
from core.audit.actors import network_of
from core.audit.types import Actor, ActorKind
from tenants.models import ApiKey
from tenants.throttle import client_address


def actor_of(request: HttpRequest) -> Actor:
    """Return who sent a request, as far as it has been authenticated by now."""
    network = network_of(client_address(request))
    key = getattr(request, "api_key", None)
    if isinstance(key, ApiKey):
        return Actor(ActorKind.API_KEY, key.pk, network)
    person_id = _person_id(request)
    if person_id is None:
        return Actor(ActorKind.SYSTEM, None, network)
    kind = ActorKind.PERSON if tenancy.current() else ActorKind.PLATFORM
    return Actor(kind, person_id, network)


def person_actor(request: HttpRequest, person_id: UUID) -> Actor:
    """Return a person who has just proved who they are in the body of a request."""
    return Actor(ActorKind.PERSON, person_id, network_of(client_address(request)))


def _person_id(request: HttpRequest) -> UUID | None:
    membership = getattr(request, "membership", None)
    if membership is not None:
        return UUID(str(membership.person_id))
    is_known = request.user.is_authenticated
    return UUID(str(request.user.pk)) if is_known else None
