"""Signing in at the identity provider: there and back."""

from __future__ import annotations

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from tenants import credentials
from tenants.accounts.oidc import PROVIDER_ID, OidcAdapter, provider_name
from tenants.views.session import next_url


@never_cache
@require_safe
def sso(request: HttpRequest) -> HttpResponse:
    """Lead to the provider; what belongs to this sign-in stays in the session."""
    _configured_check()
    credentials.address_attempt_count(request=request, kind="sso")
    provider = get_adapter().get_provider(request, PROVIDER_ID)
    try:
        response: HttpResponse = provider.redirect(
            request, AuthProcess.LOGIN, next_url=next_url(request)
        )
    except (RequestException, OAuth2Error, KeyError):
        messages.error(request, _("The sign-in service does not answer. Try again later."))
        return redirect("account_login")
    return response


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Take what the provider says about who comes back, and go on to the second step."""
    _configured_check()
    view = OAuth2CallbackView.adapter_view(OidcAdapter(request, PROVIDER_ID))
    try:
        response: HttpResponse = view(request)
    except KeyError:  # a discovery document without the addresses it must have
        messages.error(request, _("Signing in there did not work. Try again."))
        return redirect("account_login")
    return response


def _configured_check() -> None:
    if not provider_name():
        raise Http404
