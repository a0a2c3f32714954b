"""Which pages may talk to a workspace: its own hosts, and where its widget is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import idna

from conversations.errors import OriginInvalid
from core import tenancy
from tenants.selectors import tenant_for_host

_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_is_own(origin: str) -> bool:
    """Return whether an Origin header names a host of the current tenant."""
    host = _host_of(origin)
    return host is not None and tenant_for_host(host) == tenancy.require()


def _host_of(origin: str) -> str | None:
    """Return the host of a web origin, or None for anything else, such as `null`.

    Nothing may stand around it: an allowed origin goes into the panel's security policy.
    """
    if not _ORIGIN.fullmatch(origin):
        return None
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def origin_is_allowed(origin: str, allowed: Iterable[str]) -> bool:
    """Return whether a page of this origin may use the widget.

    No Origin means that no browser page asks, and a browser page cannot omit it.
    """
    if not origin:
        return True
    return origin in set(allowed) or origin_is_own(origin)


def origin_normalise(origin: str) -> str:
    """Return an origin as browsers write it, letters beyond ASCII as IDNA; raises OriginInvalid."""
    try:
        parts = urlsplit(origin.strip().lower())
        port, host = parts.port, _host_written(parts.hostname or "")
    except ValueError:  # which idna's own error is
        raise OriginInvalid() from None
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or not host or not is_bare:
        raise OriginInvalid()
    shown = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    found = f"{parts.scheme}://{host}{shown}"
    if not _ORIGIN.fullmatch(found):
        raise OriginInvalid()
    return found


def _host_written(host: str) -> str:
    """Return a host name as a browser sends it; raises ValueError for what is no name."""
    if not host.strip("."):
        raise ValueError("no name")
    if ":" in host:
        return f"[{host}]"  # an IPv6 address, of which urlsplit takes the brackets
    return host if host.isascii() else idna.encode(host, uts46=True).decode()
