"""Where a request comes from, as far back as our own proxies vouch for it."""

from __future__ import annotations

from django.conf import settings


def address_of(*, peer: str, forwarded_for: str) -> str:
    """Return the client's address from the connection's peer and X-Forwarded-For.

    Each proxy appends the peer it saw; what stands further left is the client's own word and would
    let anyone step around a limit.
    """
    proxies = settings.TRUSTED_PROXY_COUNT
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    return hops[-proxies] if 0 < proxies <= len(hops) and hops[-proxies] else peer
