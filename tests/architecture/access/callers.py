"""Who calls: strangers, the other tenant's, every role, keys with and without the scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.test import Client

from tenants.types import ROLE_SCOPES, SCOPES, Role
from tests.conftest import ROLES

HOST = {"host": "acme.localhost"}


@dataclass(frozen=True, slots=True)
class Caller:
    """A client on acme's host; `scopes` is None for whoever is nobody there."""

    name: str
    client: Client
    scopes: frozenset[str] | None

    @property
    def is_key(self) -> bool:
        return self.name.startswith("key")


def strangers(sign_in: Callable[..., Client], api_key: Callable[..., str]) -> list[Caller]:
    """Return those who are nobody at acme, whatever they are elsewhere."""
    member = sign_in("globex", "owner")
    member.defaults["HTTP_HOST"] = HOST["host"]
    return [
        Caller("anonymous", Client(headers=HOST), None),
        Caller("member of globex", member, None),
        Caller("key of globex", _with_key(api_key("globex", *SCOPES)), None),
        Caller("key that is none", _with_key("fd_aaaaaaaa_" + "b" * 43), None),
    ]


def members(sign_in: Callable[..., Client]) -> list[Caller]:
    """Return a member of acme of each role."""
    return [
        Caller(role, sign_in("acme", role), frozenset(ROLE_SCOPES[Role(role)])) for role in ROLES
    ]


def keys(api_key: Callable[..., str], scope: str) -> list[Caller]:
    """Return acme's keys: one with every scope but this, one with this alone."""
    others = [other for other in SCOPES if other != scope]
    return [
        Caller("key without the scope", _with_key(api_key("acme", *others)), frozenset(others)),
        Caller("key with the scope", _with_key(api_key("acme", scope)), frozenset({scope})),
    ]


def _with_key(secret: str) -> Client:
    return Client(headers={**HOST, "authorization": f"Bearer {secret}"})
