"""What a WebSocket handshake says about its client."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

TOKEN_PREFIX = "token."  # noqa: S105 - a prefix, not a secret


@dataclass(frozen=True, slots=True)
class Handshake:
    """Host, origin, credentials, protocols, addresses; "" or empty where the client sent none."""

    host: str
    origin: str
    token: str
    protocols: tuple[str, ...]
    cookie_header: str
    peer: str = ""
    forwarded_for: str = ""

    def cookie(self, name: str) -> str:
        try:
            found = SimpleCookie(self.cookie_header).get(name)
        except CookieError:
            return ""
        return found.value if found else ""


def handshake_read(scope: Any) -> Handshake:
    """Return what the ASGI scope of a WebSocket tells."""
    headers = _headers(scope["headers"])
    protocols = tuple(scope.get("subprotocols") or ())
    tokens = [name[len(TOKEN_PREFIX) :] for name in protocols if name.startswith(TOKEN_PREFIX)]
    return Handshake(
        host=headers.get("host", ""),
        origin=headers.get("origin", ""),
        token=tokens[0] if tokens else "",
        protocols=protocols,
        cookie_header=headers.get("cookie", ""),
        peer=str((scope.get("client") or ("",))[0]),
        forwarded_for=headers.get("x-forwarded-for", ""),
    )


def _headers(raw: Any) -> dict[str, str]:
    """Return the headers by name; two of one name are one list, which names no host or origin."""
    found: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw):
        between = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{between}{value}" if name in found else value
    return found
