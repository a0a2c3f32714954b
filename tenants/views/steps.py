"""The second step of signing in, and the passkey that is both steps in one."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.internal import auth as webauthn
from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.forms import AuthenticationForm

from core import tenancy
from core.errors import DomainError
from tenants import credentials, selectors
from tenants.accounts.steps import AnyPasskeyForm, person_sign_in
from tenants.views.session import next_url


class SecondStepView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Ask who has given their password for a code or a passkey."""

    template_name = "mfa/authenticate.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        is_platform = tenancy.current() is None
        context["tenant"] = None if is_platform else selectors.tenant_current()
        context["passkey_options"] = json.dumps(context.pop("js_data")["request_options"])
        context["passkeys"] = selectors.passkey_count(person_id=self.stage.login.user.pk)
        return context

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Give a browser a challenge for any passkey of this host, and let in who answers it."""
    credentials.address_attempt_count(request=request, kind="passkey")  # a challenge is a row
    if request.method != "POST":
        return JsonResponse(webauthn.begin_authentication())
    form = AnyPasskeyForm(data=request.POST)
    if not form.is_valid():
        messages.error(request, _("This passkey does not open this workspace."))
        return redirect("account_login")
    form.save()  # notes that both steps are taken
    person = form.cleaned_data["credential"].user
    return person_sign_in(request=request, person=person, redirect_url=next_url(request))


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class AdminSignInView(LoginView):
    """The admin's sign-in page, with the second step of those who have one."""

    template_name = "admin/login.html"
    authentication_form = AuthenticationForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        from django.contrib.admin import site

        context = {**site.each_context(self.request), **super().get_context_data(**kwargs)}
        return {**context, "title": _("Log in"), "app_path": self.request.get_full_path()}

    def get_default_redirect_url(self) -> str:
        return "/admin/"

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        try:
            credentials.attempts_count(request=request, email=request.POST.get("username", ""))
        except DomainError:
            messages.error(request, _("Too many attempts. Wait five minutes, then try again."))
            return redirect("account_login")
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> Any:
        credentials.attempts_forget(email=form.cleaned_data["username"])
        return person_sign_in(
            request=self.request, person=form.get_user(), redirect_url=self.get_success_url()
        )
