"""The one exception to the strict content security policy."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

Responder = Callable[[HttpRequest], HttpResponse]

# django-unfold runs on Alpine, which evaluates attribute expressions and sets styles. The admin is
# served on the platform's host alone and shows no visitor's markup, so it alone is allowed that.
ADMIN_POLICY = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class AdminPolicyMiddleware:
    """Loosen the policy for pages of the platform's admin; stands after the CSP middleware."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_platform = getattr(request, "tenant", None) is None
        if is_platform and request.path.startswith("/admin/"):
            response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]
        return response
