"""Addresses that standards fix (RFC 8615)."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tenants.tokens import signing


@require_safe
@cache_control(public=True, max_age=60)
def jwks(request: HttpRequest) -> JsonResponse:
    """Publish the keys that verify access tokens (RFC 7517)."""
    return JsonResponse(signing.jwks(), content_type="application/jwk-set+json")
