"""What allauth asks about accounts: who may come in, from where, how secrets are kept."""

from __future__ import annotations

import base64
from binascii import Error as Base64Error
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import login as session_begin
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core import tenancy
from tenants import errors, selectors
from tenants.sessions import host_bind, host_is_bound
from tenants.throttle import client_address
from tenants.tokens.sealing import seal, unseal

BACKEND = settings.AUTHENTICATION_BACKENDS[0]
PURPOSE, NAME = b"frontdesk/second-factor/v1", "second-factor"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Accounts are made by sign-up and by invitation alone; mails are `tenants.accounts`' own.

    allauth keeps who has taken the first step in the session, and nobody is signed in before the
    last one. Here it is decided that steps are taken on one host, by those who may enter it.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **options: Any
    ) -> HttpResponse | None:
        host_bind(request)
        response: HttpResponse | None = super().pre_login(request, user, **options)
        return response

    def login(self, request: HttpRequest, user: Any) -> None:
        if not host_is_bound(request) or not selectors.person_may_enter(user):
            clear_login(request)
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
        session_begin(request, user, backend=BACKEND)

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **options: Any
    ) -> HttpResponse:
        return HttpResponseRedirect(options["redirect_url"] or settings.LOGIN_REDIRECT_URL)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_login"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        raise NotImplementedError(f"{template_prefix}: mails are sent by tenants.tasks")


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Secrets of authenticator apps are sealed under SECRET_KEY; passkeys belong to one host."""

    def get_totp_issuer(self) -> str:
        tenant = tenancy.current()
        return f"Frontdesk {tenant.slug}" if tenant else "Frontdesk"

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(text.encode(), name=NAME, purpose=PURPOSE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            plain = unseal(base64.b64decode(encrypted_text), name=NAME, purpose=PURPOSE)
        except (Base64Error, ValueError):
            plain = None
        if not plain:
            raise errors.SecondFactorUnreadable()
        return plain.decode()
