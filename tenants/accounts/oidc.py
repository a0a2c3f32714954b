"""Signing in at an identity provider of one's own (OpenID Connect, authorization code with PKCE).

allauth does the round trip. Beyond it the ID token's signature is checked (RS256, from the
provider's published keys) though it comes over TLS, and its nonce; nobody gets in but the member
whose verified address the provider vouches for, and no account is made.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, NoReturn

import jwt
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from tenants import selectors
from tenants.models import Person

PROVIDER_ID = "sso"
LEEWAY_SECONDS = 10
REQUIRED = ["iss", "aud", "sub", "exp", "iat", "nonce"]
# What a provider that answers nonsense makes our code raise.
MALFORMED = (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError)


def provider_name() -> str:
    """Return how the provider is called on the sign-in page; "" when there is none."""
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    return str(apps[0]["name"]) if apps else ""


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """The round trip to the provider, with what it says believed after the checks alone."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        wanted = str(self.get_provider().app.settings["server_url"]).rstrip("/")
        if str(config.get("issuer", "")).rstrip("/") != wanted:
            raise OAuth2Error("The discovery document names another issuer.")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("account_sso_callback"))

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str = ""
    ) -> Any:
        self.nonce = nonce_of(pkce_code_verifier)
        return super().get_access_token_data(request, app, client, pkce_code_verifier)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **options: Any) -> Any:
        try:
            claims = self._claims(app, options["response"]["id_token"])
        except MALFORMED as error:
            raise OAuth2Error("The ID token is not valid.") from error
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _claims(self, app: Any, id_token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            id_token,
            self._key(jwt.get_unverified_header(id_token)["kid"]),
            algorithms=["RS256"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
        is_for_us = claims.get("azp", app.client_id) == app.client_id
        if not is_for_us or not constant_time_compare(str(claims["nonce"]), self.nonce):
            raise OAuth2Error("The ID token belongs to another sign-in.")
        return claims

    def _key(self, kid: str) -> Any:
        with SocialAdapter().get_requests_session() as session:
            response = session.get(self.openid_config["jwks_uri"])
            response.raise_for_status()
        return jwt.PyJWKSet.from_dict(response.json())[kid].key


class OidcProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth ships no types
    """The provider that OIDC_ISSUER names; PKCE and nonce in every sign-in."""

    oauth2_adapter_class = OidcAdapter

    def get_pkce_params(self) -> dict[str, Any]:
        params: dict[str, Any] = generate_code_challenge()
        return {**params, "nonce": nonce_of(params["code_verifier"])}


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Decides whom the provider's word lets in."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Go on for the member this is, else back to the sign-in page."""
        if sociallogin.is_existing:
            return
        person = _member_vouched_for(sociallogin)
        if person is None:
            _refuse(request, _("This account does not open this workspace."))
        sociallogin.connect(request, person)

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_kept: Any) -> None:
        _refuse(request, _("Signing in there did not work. Try again."))

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing by allauth's own mails."""


def nonce_of(verifier: str) -> str:
    """Return the nonce of a sign-in, from the PKCE secret that its session alone holds."""
    digest = hashlib.sha256(f"nonce:{verifier}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _member_vouched_for(sociallogin: Any) -> Person | None:
    """Return the member whose proved address the provider calls verified, if there is one.

    An address that was given to somebody else since does not open the account of who had it: a
    person is linked to one subject of the provider for good.
    """
    claims = sociallogin.account.extra_data["id_token"]
    email = str(claims.get("email") or "").strip().lower()
    if claims.get("email_verified") is not True or not email:
        return None
    proved = EmailAddress.objects.filter(email=email, verified=True, primary=True)
    address = proved.select_related("user").first()
    if address is None or not selectors.person_may_enter(address.user):
        return None
    linked = SocialAccount.objects.filter(user=address.user, provider=PROVIDER_ID)
    return None if linked.exists() else address.user


def _refuse(request: HttpRequest, sentence: str) -> NoReturn:
    messages.error(request, sentence)
    raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
