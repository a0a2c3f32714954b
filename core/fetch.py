"""Fetch a page somebody else named, without letting them reach what only we can reach.

The host is resolved once, every address it has must be public, and the connection goes to the
address that was checked (TLS name and Host header keep the host), so that a name which resolves
differently a moment later gains nothing. Each redirect is checked like the first address.
Redirects, size, time and content types are bounded; compressed answers are refused, because their
size is unknown until they are unpacked.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Event
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore2
import httpx2
from django.conf import settings

from core.errors import DomainError
from core.resilience.deadline import deadline_check, deadline_scope
from core.resilience.errors import DeadlineExceeded
from core.resilience.interruption import aborting
from core.resilience.wire import Wire

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_REDIRECTS: Final = 5
MAX_BYTES: Final = 20 * 1024 * 1024
MAX_URL: Final = 2000
DEADLINE_SECONDS: Final = 20.0
STEP_SECONDS: Final = 5.0
PORTS: Final = frozenset({80, 443, 8080, 8443})
USER_AGENT: Final = "FrontdeskFetcher/1 (+knowledge)"
READABLE: Final = (
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "text/markdown",
    "text/csv",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# What `is_global` lets through and should not: protocol assignments, 6to4 relays, site-local,
# and IPv4-compatible IPv6.
_NEVER: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "fec0::/10",
        "::/96",
        "2001::/23",
        "64:ff9b:1::/48",
    )
)
_STEPS: Final = ("connect", "read", "write", "pool")
_BROKEN: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_resolvers: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolve")


class UrlInvalid(DomainError):
    code = "url_invalid"
    title = "Give a full address that begins with http:// or https://."


class UrlForbidden(DomainError):
    code = "url_forbidden"
    title = "This address leads into a private network and is not fetched."


class FetchFailed(DomainError):
    code = "fetch_failed"
    http_status = 422
    retryable = True
    title = "The address could not be fetched."


class FetchTooLarge(DomainError):
    code = "fetch_too_large"
    title = "What is at this address is larger than a document may be."


class FetchTypeRefused(DomainError):
    code = "fetch_type_refused"
    title = "What is at this address is neither a page nor a document we can read."


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found; `url` is where the last redirect led."""

    url: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL and the one address its connection may go to."""

    url: SplitResult
    host: str
    port: int
    address: str


def url_check(url: str) -> None:
    """Refuse a URL that `fetch` would refuse for what it names; raises UrlInvalid, UrlForbidden."""
    _target(url)


def fetch(url: str, *, types: Collection[str] = READABLE, max_bytes: int = MAX_BYTES) -> Fetched:
    """Return what is at `url`, following at most five redirects, within 20 seconds.

    Ends sooner at the caller's deadline, and at once when the caller is cancelled; the connection
    is then shut down. Raises UrlInvalid, UrlForbidden, FetchFailed, FetchTooLarge,
    FetchTypeRefused, DeadlineExceeded (the caller's), Cancelled.
    """
    try:
        with deadline_scope(DEADLINE_SECONDS):
            return _followed(url, types, max_bytes)
    except DeadlineExceeded as error:
        deadline_check()
        raise FetchFailed("The server took too long to answer.") from error


def post(url: str, *, content: bytes, content_type: str = "application/json") -> None:
    """Send `content` to `url` once, within 20 seconds; the answer's body is not read.

    Not idempotent by itself: the receiver may have taken what no answer came for. A redirect is a
    failure. Raises UrlInvalid, UrlForbidden, FetchFailed (any status but 2xx), DeadlineExceeded
    (the caller's), Cancelled.
    """
    message = _Message("POST", content, (("Content-Type", content_type),))
    try:
        with deadline_scope(DEADLINE_SECONDS), _opened(_target(url), message) as response:
            if not 200 <= response.status < 300:
                raise FetchFailed(f"The server answered with status {response.status}.")
    except DeadlineExceeded as error:
        deadline_check()
        raise FetchFailed("The server took too long to answer.") from error


def _followed(url: str, types: Collection[str], max_bytes: int) -> Fetched:
    for _ in range(MAX_REDIRECTS + 1):
        with _opened(_target(url)) as response:
            if response.status in _REDIRECTS:
                url = _redirected(url, response)
                continue
            content_type = _accepted_type(response, types)
            return Fetched(url, _body(response, max_bytes), content_type)
    raise FetchFailed("The address redirects too often.")


def _redirected(url: str, response: httpcore2.Response) -> str:
    location = _header(response, b"location")
    if not location:
        raise FetchFailed("The address redirects to nowhere.")
    return urljoin(url, location)


def _accepted_type(response: httpcore2.Response, types: Collection[str]) -> str:
    if response.status != 200:
        raise FetchFailed(f"The server answered with status {response.status}.")
    if (_header(response, b"content-encoding") or "identity").lower() != "identity":
        raise FetchTypeRefused("The server insists on a compressed answer, which is not accepted.")
    content_type = _header(response, b"content-type").split(";")[0].strip().lower()
    if content_type not in types:
        raise FetchTypeRefused()
    return content_type


def _body(response: httpcore2.Response, max_bytes: int) -> bytes:
    content = bytearray()
    for part in response.iter_stream():
        content += part
        if len(content) > max_bytes:
            raise FetchTooLarge()
    return bytes(content)


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent to an address."""

    method: str = "GET"
    content: bytes = b""
    headers: tuple[tuple[bytes | str, bytes | str], ...] = ()


@contextmanager
def _opened(target: Target, message: _Message = _Message()) -> Iterator[httpcore2.Response]:
    """Connect to the checked address; the host stays in the Host header and the TLS name."""
    wire = Wire()
    path = _path(target.url)
    with (
        aborting(wire.shut_down),
        httpcore2.ConnectionPool(ssl_context=_trusted(), network_backend=wire) as pool,
        _told_plainly(),
        pool.stream(
            message.method,
            httpcore2.URL(
                scheme=target.url.scheme, host=target.address, port=target.port, target=path
            ),
            headers=[*_headers(target), *message.headers, *_length(message)],
            content=message.content or None,
            extensions={
                "sni_hostname": target.host,
                "timeout": dict.fromkeys(_STEPS, STEP_SECONDS),
            },
        ) as response,
    ):
        yield response


def _path(url: SplitResult) -> bytes:
    """Return path and query as they are sent, with what is no ASCII quoted."""
    try:
        return httpx2.URL(url._replace(netloc="host", fragment="").geturl()).raw_path
    except httpx2.InvalidURL as error:
        raise UrlInvalid() from error


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise FetchFailed() from error


@cache
def _trusted() -> ssl.SSLContext:
    """Return the authorities that browsers trust; reading them takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


def _headers(target: Target) -> list[tuple[bytes | str, bytes | str]]:
    return [
        ("Host", _host_header(target)),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        ("User-Agent", USER_AGENT),
    ]


def _length(message: _Message) -> list[tuple[bytes | str, bytes | str]]:
    return [("Content-Length", str(len(message.content)))] if message.content else []


def _header(response: httpcore2.Response, name: bytes) -> str:
    """Return a header of the answer, "" without it; what is no ASCII is not understood."""
    found = (value for key, value in response.headers if key.lower() == name)
    return next(found, b"").decode("ascii", "replace").strip()


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    is_usual = target.port == (443 if target.url.scheme == "https" else 80)
    return host if is_usual else f"{host}:{target.port}"


def _target(url: str) -> Target:
    parts, host, port = _parsed(url)
    addresses = _resolved(host, port)
    if not _is_allowed_private(host, port):
        if port not in PORTS:
            raise UrlForbidden(f"Port {port} is not fetched from.")
        if not addresses or not all(map(is_public, addresses)):
            raise UrlForbidden()
    return Target(parts, host, port, str(addresses[0]))


def _parsed(url: str) -> tuple[SplitResult, str, int]:
    if len(url) > MAX_URL or any(character <= " " or character == "\\" for character in url):
        raise UrlInvalid()
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise UrlInvalid() from error
    if parts.scheme not in {"http", "https"} or not host:
        raise UrlInvalid()
    if parts.username is not None or parts.password is not None:
        raise UrlInvalid("The address must not contain a user name or password.")
    return parts, host, port


def _resolved(host: str, port: int) -> list[Address]:
    """Return every address of the host, as the system resolves it; raises FetchFailed."""
    lookup = _resolvers.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    is_over = Event()
    lookup.add_done_callback(lambda _: is_over.set())
    try:
        with aborting(is_over.set):
            is_over.wait(STEP_SECONDS)
        found = lookup.result(timeout=0)
    except (OSError, UnicodeError, FutureTimeout) as error:
        raise FetchFailed("The host name of this address is not known.") from error
    finally:
        lookup.cancel()  # what was not begun takes nobody's turn
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _is_allowed_private(host: str, port: int) -> bool:
    allowed = settings.FETCH_ALLOWED_PRIVATE_HOSTS
    return host in allowed or f"{host}:{port}" in allowed


def is_public(address: Address) -> bool:
    """Return whether the address, and every IPv4 address wrapped in it, is on the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = _wrapped(address)
        if wrapped is not None:
            return is_public(wrapped)
    if any(address in block for block in _NEVER if block.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address inside a mapped, 6to4, Teredo or NAT64 address."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
