"""The strict content security policy, and the one exception to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from csp.constants import HEADER, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse

Responder = Callable[[HttpRequest], HttpResponse]

# django-unfold runs on Alpine, which evaluates attribute expressions and sets styles. The admin is
# served on the platform's host alone and shows no visitor's markup, so it alone is allowed that.
ADMIN_POLICY = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


@cache
def _policy() -> str:
    return str(build_policy())


class PolicyMiddleware(CSPMiddleware):
    """Send the policy, worked out once; a response that has its own is left to the library."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        if any(name.startswith("_csp_") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _policy())
        return response


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
