"""What Django's own signals tell about sign-ins that failed, on every page and call alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from tenants.threats import detect
from tenants.throttle import client_address


def sign_in_failure_note(
    sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Take a wrong e-mail or password into account; what has no request is no attack."""
    email = str(credentials.get("username") or credentials.get("email") or "")
    if request is not None:
        detect.sign_in_failed(address=client_address(request), email=email)
