"""Who sent this request: a member by password, a machine by API key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core import tenancy
from tenants import selectors, services
from tenants.errors import ApiKeyInvalid
from tenants.models import ApiKey, Person
from tenants.threats import detect
from tenants.threats.blocks import address_subject, block_check, blocking_for
from tenants.threats.foreign import foreign_key_note
from tenants.threats.types import BlockReach, Subject, SubjectKind
from tenants.throttle import client_address


class MemberBackend(BaseBackend):
    """Sign in members on their tenant's host, administrators on the platform's."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Person | None:
        if request is not None and _is_blocked(request):
            return None
        person = selectors.person_by_email(username or kwargs.get("email") or "")
        if person is None:
            Person().set_password(password)  # as slow as a real check: no account probing
            return None
        if not person.check_password(password or "") or not person.is_active:
            return None
        return person if selectors.person_may_enter(person) else None

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, is_active=True).first()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.is_active and user_obj.is_superuser)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(user_obj.is_active and user_obj.is_superuser)


def _is_blocked(request: HttpRequest) -> bool:
    """Return whether this address may not sign in, on the admin's page as on ours."""
    return blocking_for(address_subject(client_address(request))) is not None


class ApiKeyPrincipal:
    """The `request.user` of a machine: authenticated, but nobody's account."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk: UUID = key.pk

    def __str__(self) -> str:
        return f"key {self.key.prefix}"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer fd_<prefix>_<secret>`, valid on its own tenant's host only."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[ApiKeyPrincipal, ApiKey] | None:
        keyword, _, secret = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != self.keyword.lower():
            return None
        if tenancy.current() is None:
            raise ApiKeyInvalid()
        address = client_address(request._request)
        try:
            key = services.api_key_verify(secret=secret.strip())
        except ApiKeyInvalid:
            foreign_key_note(secret=secret.strip(), address=address)
            raise
        subject = Subject(SubjectKind.API_KEY, str(key.pk))
        block_check(subject=subject, reach=BlockReach.ALL)
        detect.key_used(key_id=key.pk, address=address)
        return ApiKeyPrincipal(key), key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the key in the OpenAPI document."""

    target_class = "tenants.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "fd_…"}
