"""Every address with the rule its code declares: REST from OpenAPI, pages from the URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

from django.urls import URLPattern, get_resolver, resolve
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView

from tenants.permissions import required_scope_of
from tests.architecture.access.things import COMMON, PARAMETERS

_PARAMETER = re.compile(r"(?:<(?:\w+:)?(\w+)>|\{(\w+)\})")
# Pages that strangers may see, and why; everything else says @requires("scope").
PUBLIC_PAGES = {
    ".well-known/jwks.json": "anyone may check what a token was signed with",
    "login/": "where strangers sign in",
    "login/second-step/": "where those go on who have given their password",
    "login/passkey/": "a passkey of this host proves who signs in",
    "login/sso/": "leads to the identity provider",
    "login/sso/callback/": "the identity provider's signed word proves who comes back",
    "login/ticket/<str:ticket>/": "a one-time link signs its owner in",
    "account/verify/<str:key>/": "the link in a mail proves who opens it",
    "password/forgotten/": "sends a link to the address, and tells nobody whose it is",
    "password/reset/<str:key>/": "the link in a mail proves who opens it",
    "invitation/<str:token>/": "the link in a mail proves who opens it",
    "logout/": "ends whatever session there is",
    "knowledge/source/<uuid:chunk_id>/": "visitors read where an answer comes from",
    "demo/": "the shop that visitors of the demonstration see",
    "widget.js": "the shop's page loads it",
    "widget/panel/": "visitors chat in it; the widget's key and origin decide",
    "widget/session": "lets visitors in; the widget's key and origin decide",
    "widget/handover": "the visitor token decides",
    "widget/visitor": "the visitor token decides",
    "widget/form": "the visitor token decides",
    "widget/contact": "the visitor token decides",
    "widget/rating": "the visitor token decides",
    "api/schema/": "the documentation of the API is public",
    "docs/errors/": "what an answer's `type` leads to",
    "docs/errors/<slug:code>": "what an answer's `type` leads to",
    "api/docs/": "the documentation of the API is public",
}
# REST operations that need no scope, and why; everything else declares required_scope(s).
PUBLIC_OPERATIONS = {
    "GET /api/v1/auth/me": "tells who calls, whatever they may do",
}
# Operations whose body is the credential: no session, key or role changes their answer.
PROVED_BY_BODY = {
    "POST /api/v1/auth/token": {"email": "nobody@example.com", "password": "wrong horse 42"},
    "POST /api/v1/auth/token/refresh": {"refresh_token": "fdr_" + "x" * 43},
    "POST /api/v1/auth/token/revoke": {"refresh_token": "fdr_" + "x" * 43},
}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation or page; `scope` is None where strangers may call it, "" without a rule."""

    method: str
    path: str
    scope: str | None
    view: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> dict[str, str]:
        """Return {the parameter as it stands in the path: the kind of thing it names}."""
        found = {}
        before = ""
        for part in self.path.strip("/").split("/"):
            match = _PARAMETER.fullmatch(part)
            if match:
                found[part] = _kind(f"{before}/{match[1] or match[2]}", str(self))
            before = part
        return found

    @property
    def names_an_object(self) -> bool:
        """Return whether its parameters name something of one workspace's own."""
        return bool(set(self.parameters.values()) - COMMON)

    def filled(self, things: dict[str, str]) -> str:
        """Return the address of these things."""
        path = self.path
        for parameter, kind in self.parameters.items():
            path = path.replace(parameter, things[kind])
        return f"/{path.lstrip('/')}"


def _kind(parameter: str, route: str) -> str:
    assert parameter in PARAMETERS, (
        f"{route}: the matrix does not know what `{parameter}` names. Make such an object in "
        "tests/architecture/access/things.py and name it in PARAMETERS."
    )
    return PARAMETERS[parameter]


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of a tenant's host."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def operations() -> list[Route]:
    """Return every REST operation but those that PROVED_BY_BODY names."""
    return [
        _operation(method.upper(), path)
        for path, methods in openapi()["paths"].items()
        for method in methods
        if f"{method.upper()} {path}" not in PROVED_BY_BODY
    ]


def _operation(method: str, path: str) -> Route:
    view = resolve(_PARAMETER.sub(str(uuid4()), path)).func.cls  # type: ignore[attr-defined]  # as_view's
    is_public = f"{method} {path}" in PUBLIC_OPERATIONS
    scope = None if is_public else required_scope_of(view, method) or ""
    return Route(method, path, scope, view.__name__)


def pages() -> list[Route]:
    """Return every page twice, as GET and as POST."""
    return [
        Route(method, path, _page_scope(path, callback), callback.__name__)
        for path, callback in _patterns(get_resolver().url_patterns, "")
        if not _is_rest(callback)
        for method in ("GET", "POST")
    ]


def _page_scope(path: str, callback: Any) -> str | None:
    return getattr(callback, "required_scope", None if path in PUBLIC_PAGES else "")


def missing_rule(route: Route) -> str:
    """Return what to add for a route without a rule, or "" when it has one."""
    if route.scope != "":
        return ""
    is_rest = route.path.startswith("/api/")
    declare = "`required_scope` or `required_scopes` on" if is_rest else "@requires(scope) on"
    public = "PUBLIC_OPERATIONS" if is_rest else "PUBLIC_PAGES"
    return (
        f"{route} has no rule: put {declare} {route.view}, or say in {public} "
        "(tests/architecture/access/routes.py) why strangers may call it."
    )


def rest_paths() -> set[str]:
    """Return the addresses of all REST views, written as in the OpenAPI document."""
    return {
        "/" + _PARAMETER.sub("{}", path)
        for path, callback in _patterns(get_resolver().url_patterns, "")
        if _is_rest(callback)
    }


def _patterns(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern.callback
        else:
            yield from _patterns(pattern.url_patterns, path)


def _is_rest(callback: Any) -> bool:
    view = getattr(callback, "cls", None)
    return view is not None and not view.__module__.startswith(SpectacularAPIView.__module__)
