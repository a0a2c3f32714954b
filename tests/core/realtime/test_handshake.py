"""A handshake that says two things about its host or page says nothing."""

from __future__ import annotations

from core.realtime.handshake import handshake_read


def scope(*headers: tuple[str, str]) -> dict[str, object]:
    return {"headers": [(name.encode(), value.encode()) for name, value in headers]}


def test_two_hosts_or_origins_name_neither() -> None:
    read = handshake_read(
        scope(
            ("host", "globex.localhost"),
            ("host", "acme.localhost"),
            ("origin", "https://evil.example"),
            ("origin", "http://acme.localhost"),
        )
    )
    assert read.host not in {"globex.localhost", "acme.localhost"}
    assert read.origin not in {"https://evil.example", "http://acme.localhost"}


def test_cookies_of_two_headers_are_all_read() -> None:
    read = handshake_read(scope(("cookie", "a=1"), ("cookie", "b=2")))
    assert (read.cookie("a"), read.cookie("b"), read.cookie("c")) == ("1", "2", "")
