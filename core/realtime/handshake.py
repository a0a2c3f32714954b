"""What a handshake, or a request in place of one, says about its client."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

TOKEN_PREFIX = "token."  # noqa: S105 - a prefix, not a secret
VERSION_PARAMETER = "protocol"


@dataclass(frozen=True, slots=True)
class Handshake:
    """Host, origin, credentials, versions of the protocol, addresses; "" or empty where the client
    sent none.
    """

    host: str
    origin: str
    token: str
    versions: tuple[str, ...]
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
    """Return what the ASGI scope tells: subprotocols of a WebSocket, a bearer and a query else."""
    headers = headers_read(scope)
    if scope.get("type") == "http":
        token, versions = _bearer(headers), tuple(_query(scope).get(VERSION_PARAMETER, ()))
    else:
        token, versions = _offered(tuple(scope.get("subprotocols") or ()))
    return Handshake(
        host=headers.get("host", ""),
        origin=headers.get("origin", ""),
        token=token,
        versions=versions,
        cookie_header=headers.get("cookie", ""),
        peer=str((scope.get("client") or ("",))[0]),
        forwarded_for=headers.get("x-forwarded-for", ""),
    )


def _offered(protocols: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the token among the subprotocols, and the versions that the others name."""
    tokens = [name[len(TOKEN_PREFIX) :] for name in protocols if name.startswith(TOKEN_PREFIX)]
    versions = tuple(name for name in protocols if not name.startswith(TOKEN_PREFIX))
    return tokens[0] if tokens else "", versions


def _bearer(headers: dict[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _query(scope: Any) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def headers_read(scope: Any) -> dict[str, str]:
    """Return the headers by name; two of one name are one list, which names no host or origin."""
    raw = scope["headers"]
    found: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw):
        between = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{between}{value}" if name in found else value
    return found
