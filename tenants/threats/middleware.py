"""Turn blocked addresses away, and notice keys that come in an address line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from django.http import HttpRequest, HttpResponse

from core import tenancy
from core.http import error_response
from tenants import keys
from tenants.models import ApiKey
from tenants.threats import detect
from tenants.threats.blocks import address_subject, block_check
from tenants.threats.errors import Blocked
from tenants.threats.types import BlockReach
from tenants.throttle import client_address

Responder = Callable[[HttpRequest], HttpResponse]
KEYS_LOOKED_AT = 3  # each is a query, and strangers choose how many there are


class BlockMiddleware:
    """Answer 403 with Retry-After to an address that is blocked on this host."""

    def __init__(self, get_response: Responder) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = client_address(request)
        try:
            block_check(subject=address_subject(address), reach=BlockReach.ALL)
        except Blocked as error:
            return error_response(request, error)
        if "fd_" in request.META.get("QUERY_STRING", "") and tenancy.current() is not None:
            leaked_keys_note(request.META["QUERY_STRING"], address)
        return self.get_response(request)


def leaked_keys_note(query: str, address: str) -> None:
    """Note the workspace's own keys in a query string, the first few; others are not its business.

    Only a genuine secret counts: prefixes are no secret, and anybody could raise alarms with them.
    """
    for match in islice(keys.KEY_PATTERN.finditer(query), KEYS_LOOKED_AT):
        hashed = keys.secret_digest(match[2] + (match[3] or ""))
        mine = ApiKey.objects.filter(tenant_id=tenancy.require().id, prefix=match[1])
        key_id = mine.filter(secret_hash=hashed).values_list("pk", flat=True).first()
        if key_id is not None:
            detect.key_leaked(key_id=key_id, address=address)
