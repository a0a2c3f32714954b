"""Nothing private is reached by a fetch, however it is written, resolved or redirected."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from typing import Any

import pytest
from pytest_django import Settings
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core import fetch
from core.errors import DomainError

HOSTILE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.000.000.001/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://acme.localhost/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.8/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://1.1.1.1:22/",
    "http://0x7f.1/",
    "http://0177.1/",
    "http://017700000001/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "http://metadata.google.internal/",
    "http://127.0.0.1%00/",
]
MALFORMED = [
    "",
    "ftp://1.1.1.1/",
    "file:///etc/passwd",
    "gopher://1.1.1.1/",
    "//1.1.1.1/",
    "http://",
    "http://user:pw@1.1.1.1/",
    "http://1.1.1.1\\@127.0.0.1/",
    "http://1.1.1.1@127.0.0.1/",
    "http://1.1.1.1%2f@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://127.0.0.1\t/",
    "jar:http://1.1.1.1!/",
    "http://exa mple.com/",
    "http://1.1.1.1:99999/",
    "https://" + "a" * 3000,
]


@pytest.mark.parametrize("url", HOSTILE)
def test_private_address_is_refused(url: str) -> None:
    with pytest.raises(DomainError) as refused:
        fetch.fetch(url)

    assert refused.value.code in {"url_forbidden", "fetch_failed"}
    assert refused.value.code == "url_forbidden" or "not known" in refused.value.detail


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(DomainError) as refused:
        fetch.url_check(url)

    assert refused.value.code in {"url_invalid", "url_forbidden"}


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
)
def test_public_address_is_accepted(address: str) -> None:
    assert fetch.is_public(ip_address(address))


def test_host_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("1.1.1.1", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: answers)

    with pytest.raises(fetch.UrlForbidden):
        fetch.url_check("http://two-faced.example.com/")


def test_name_is_resolved_once_and_its_address_kept(
    monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, settings: Settings
) -> None:
    """A second look-up would find another address: the connection must not make one."""
    httpserver.expect_request("/").respond_with_data("<p>x</p>", content_type="text/html")
    settings.FETCH_ALLOWED_PRIVATE_HOSTS = ["rebind.example.com"]
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != "rebind.example.com":
            return real(host, port, *args, **options)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "203.0.113.9"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = fetch.fetch(f"http://rebind.example.com:{httpserver.port}/")

    assert found.content == b"<p>x</p>"
    assert asked == ["rebind.example.com"]
    assert httpserver.log[0][0].headers["Host"] == f"rebind.example.com:{httpserver.port}"


@pytest.fixture
def server(httpserver: HTTPServer, settings: Settings) -> HTTPServer:
    """Return a local server that may be fetched from."""
    settings.FETCH_ALLOWED_PRIVATE_HOSTS = [f"127.0.0.1:{httpserver.port}"]
    return httpserver


def address(server: HTTPServer, path: str = "/") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def test_page_is_fetched(server: HTTPServer) -> None:
    server.expect_request("/page").respond_with_data("<p>Hi</p>", content_type="text/html; x=y")

    found = fetch.fetch(address(server, "/page"))

    assert (found.content, found.content_type) == (b"<p>Hi</p>", "text/html")


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("?q=a%2Fb&page=2", "/?q=a%2Fb&page=2"),
        ("//two/slashes", "/two/slashes"),  # the server itself drops one
        ("/gr\u00fc\u00dfe?q=\u00e4#part", "/gr%C3%BC%C3%9Fe?q=%C3%A4"),
    ],
)
def test_path_and_query_are_sent_as_asked(server: HTTPServer, asked: str, sent: str) -> None:
    server.expect_request(re.compile(".*")).respond_with_data("x", content_type="text/plain")

    assert fetch.fetch(address(server, asked)).content == b"x"
    assert server.log[0][0].environ["RAW_URI"] == sent


def test_address_with_a_control_character_is_invalid() -> None:
    with pytest.raises(fetch.UrlInvalid):
        fetch.fetch("http://1.1.1.1/\x7f")


def test_redirect_to_a_private_address_is_refused(server: HTTPServer) -> None:
    target = Response(status=302, headers={"Location": "http://169.254.169.254/latest/"})
    server.expect_request("/").respond_with_response(target)

    with pytest.raises(fetch.UrlForbidden):
        fetch.fetch(address(server))


def test_redirects_end(server: HTTPServer) -> None:
    server.expect_request("/").respond_with_response(
        Response(status=301, headers={"Location": "/"})
    )

    with pytest.raises(fetch.FetchFailed):
        fetch.fetch(address(server))
    assert len(server.log) == fetch.MAX_REDIRECTS + 1


def test_large_answer_is_cut_off(server: HTTPServer) -> None:
    server.expect_request("/").respond_with_data(b"x" * 5000, content_type="text/plain")

    with pytest.raises(fetch.FetchTooLarge):
        fetch.fetch(address(server), max_bytes=1000)


def test_foreign_content_type_is_refused(server: HTTPServer) -> None:
    server.expect_request("/").respond_with_data(b"x", content_type="application/x-msdownload")

    with pytest.raises(fetch.FetchTypeRefused):
        fetch.fetch(address(server))


def test_compressed_answer_is_refused(server: HTTPServer) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    server.expect_request("/").respond_with_data(b"\x1f\x8b", headers=headers)

    with pytest.raises(fetch.FetchTypeRefused):
        fetch.fetch(address(server))


def test_error_status_is_told(server: HTTPServer) -> None:
    server.expect_request("/").respond_with_data("no", status=404)

    with pytest.raises(fetch.FetchFailed, match="404"):
        fetch.fetch(address(server))


def test_slow_answer_ends_at_the_deadline(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(_: Request) -> Response:
        import time

        def parts() -> Any:
            for _ in range(50):
                time.sleep(0.1)
                yield b"x"

        return Response(parts(), content_type="text/html")

    server.expect_request("/").respond_with_handler(drip)
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", 0.5)

    with pytest.raises(fetch.FetchFailed, match="too long"):
        fetch.fetch(address(server))
