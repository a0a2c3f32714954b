"""What every page gets: the workspace, the person's navigation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from core.navigation import NavLink, nav


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the sidebar for this request; worked out only when a template reads it."""
    return {
        "navigation": SimpleLazyObject(lambda: _links(request)),
        "workspace": SimpleLazyObject(lambda: _workspace(request)),
    }


def _links(request: HttpRequest) -> list[NavLink]:
    membership = getattr(request, "membership", None)
    if membership is None:
        return []
    urlconf = getattr(request, "urlconf", None)
    return nav.links_for(scopes=membership.scopes, path=request.path, urlconf=urlconf)


def _workspace(request: HttpRequest) -> dict[str, str]:
    membership = getattr(request, "membership", None)
    name = membership.tenant.name if membership is not None else "Frontdesk"
    return {"name": name, "initial": name[:1].upper()}
