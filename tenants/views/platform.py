"""The platform host: landing page, sign-up, and the way to a workspace's own sign-in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from core import fragments
from core.errors import DomainError, RateLimited
from tenants import selectors, services, throttle
from tenants.forms import SignUpForm, WorkspaceForm
from tenants.types import SignedUp

SIGN_UPS_PER_HOUR = 60
PER_ACCOUNT = 10
SHOWCASE_SLUG = "frontdesk"


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what the product is; the showcase workspace's widget answers questions about it."""
    widget = fragments.render("platform_widget", request)
    response = render(request, "platform/landing.html", {"widget": widget})
    if widget:
        # The one page that runs a script of another host: that of our own showcase workspace.
        origin = selectors.tenant_base_url(SHOWCASE_SLUG)
        response._csp_update = {"script-src": [origin]}  # type: ignore[attr-defined]
    return response


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Open a workspace and continue on its host, signed in."""
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        signed_up = _signed_up(request, form)
        if signed_up is not None:
            return HttpResponseRedirect(signed_up.login_url)
    context = {"form": form, "suffix": _host_suffix()}
    return render(request, "platform/signup.html", context, status=422 if form.errors else 200)


def _signed_up(request: HttpRequest, form: SignUpForm) -> SignedUp | None:
    """Return the new workspace, or None with the reason on the form."""
    try:
        _attempt_count("signup", throttle.client_address(request), SIGN_UPS_PER_HOUR)
        # An existing account proves itself here by its password, so this is a sign-in as well.
        _attempt_count("signup-account", form.cleaned_data["email"], PER_ACCOUNT)
        return services.workspace_sign_up(**form.cleaned_data)
    except RateLimited:
        form.add_error(None, _("Too many attempts. Wait some minutes, then try again."))
    except DomainError as error:
        form.error_add(error)
    return None


def _attempt_count(kind: str, subject: str, limit: int) -> None:
    throttle.attempt_count(kind=kind, subject=subject, limit=limit, seconds=3600)


@require_safe
def slug_state(request: HttpRequest) -> HttpResponse:
    """Tell, while someone types, whether a workspace may have this address."""
    slug = request.GET.get("slug", "").strip().lower()
    problem = ""
    try:
        if slug:
            services.slug_check(slug)
    except DomainError as error:
        problem = str(error.detail)
    context = {"slug": slug, "problem": problem, "suffix": _host_suffix()}
    return render(request, "platform/_slug_state.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_choose(request: HttpRequest) -> HttpResponse:
    """Lead to a workspace's own sign-in page; sessions never span hosts."""
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        slug = form.cleaned_data["slug"]
        if selectors.tenant_for_host(f"{slug}.{settings.BASE_DOMAIN}") is not None:
            return HttpResponseRedirect(f"{selectors.tenant_base_url(slug)}/login/")
        form.add_error("slug", _("There is no workspace at this address."))
    context = {"form": form, "suffix": _host_suffix()}
    return render(request, "platform/login.html", context, status=422 if form.errors else 200)


def _host_suffix() -> str:
    return f".{settings.BASE_DOMAIN}"
