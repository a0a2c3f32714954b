"""How expected failures and health questions are answered over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_page

from core import tenancy
from core.errors import (
    BadRequest,
    BodyTooLarge,
    DomainError,
    InternalError,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
)

Responder = Callable[[HttpRequest], HttpResponse]
PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 2

log = structlog.get_logger(__name__)


def database_error(error: BaseException | None) -> ServiceUnavailable | None:
    """Return what to answer when the database went away in the middle of a request, else None."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    log.warning("database_unavailable", error=type(error).__name__)
    return ServiceUnavailable(retry_after=RETRY_SECONDS)


def problem_response(error: DomainError, *, instance: str = "") -> JsonResponse:
    """Return the RFC 9457 document of an expected failure."""
    body = {**error.problem(), **({"instance": instance} if instance else {})}
    response = JsonResponse(body, status=error.http_status, content_type=PROBLEM_TYPE)
    if "retry_after" in error.data:
        response["Retry-After"] = str(error.data["retry_after"])
    if error.http_status == 401:
        response["WWW-Authenticate"] = "Bearer"  # RFC 9110: a 401 names a way to prove oneself
    return response


def prefers_problem(request: HttpRequest) -> bool:
    """Return whether this client wants JSON: all of /api, and whoever does not ask for HTML."""
    if request.path.startswith("/api/"):
        return True
    return "text/html" not in request.headers.get("Accept", "text/html")


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return a problem document or an error page, whichever the client reads."""
    if prefers_problem(request):
        return problem_response(error, instance=request.path)
    context = {"title": error.title, "detail": error.detail, "status": error.http_status}
    return render(request, "errors/problem.html", context, status=error.http_status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django finds suspicious, such as one with too large a body."""
    if not prefers_problem(request):
        return defaults.bad_request(request, exception)
    is_large = isinstance(exception, RequestDataTooBig)
    return error_response(request, BodyTooLarge() if is_large else BadRequest())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for an address that leads nowhere."""
    if not prefers_problem(request):
        return defaults.page_not_found(request, exception)
    return error_response(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a failure nobody anticipated, or a database that went away; it is in the log."""
    gone = database_error(sys.exc_info()[1])
    if prefers_problem(request):
        return error_response(request, gone or InternalError())
    response = defaults.server_error(request)  # a page of ours might ask the database
    if gone is not None:
        response.status_code, response["Retry-After"] = gone.http_status, str(RETRY_SECONDS)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token."""
    if not prefers_problem(request):
        return csrf_page(request, reason)
    return error_response(request, PermissionDenied())


class DomainErrorMiddleware:
    """Map a DomainError raised by a plain view to its answer.

    An address with a NUL in it is refused here, because no text in the database can have one.
    """

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return error_response(request, BadRequest())
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error_response(request, error) if isinstance(error, DomainError) else None


class HealthMiddleware:
    """Answer /healthz, /readyz and /metrics on any host, before a tenant is looked for."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from core.observability.health import HEALTH_VIEWS

        view = HEALTH_VIEWS.get(request.path.rstrip("/"))
        if view is None:
            return self.get_response(request)
        with tenancy.public_scope():
            return view(request)
