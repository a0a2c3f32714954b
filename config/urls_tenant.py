"""A tenant's host: the back-office, the widget and the API of one workspace. No /admin/ here."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core.contracts import contracted
from core.problems import urlpatterns as problem_pages
from tenants.urls_accounts import SECURITY, TENANT

PAGES = {
    "knowledge/": "knowledge",
    "workflows/": "workflows",
    "routing/": "routing",
    "billing/": "billing",
    "analytics/": "analytics",
    "": "commerce",
}
APPS = (
    "tenants",
    "conversations",
    "knowledge",
    "routing",
    "billing",
    "commerce",
    "analytics",
    "workflows",
)


def _included(prefix: str, module: str) -> list[URLPattern | URLResolver]:
    """Return the app's patterns, or none for an app without that kind of entry point."""
    return [path(prefix, include(module))] if find_spec(module) else []


def _api() -> list[URLPattern | URLResolver]:
    """Return every app's REST addresses; each keeps to `core.contracts`."""
    modules = [name for app in APPS if find_spec(name := f"{app}.api_urls")]
    found = [pattern for name in modules for pattern in import_module(name).urlpatterns]
    for pattern in found:
        pattern.callback = contracted(pattern.callback)
    return found


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(_api())),  # first: machines ask most often
    *TENANT,
    path("account/security/", include(SECURITY)),
    *_included("", "tenants.urls"),
    *_included("", "conversations.urls"),
    *[found for prefix, app in PAGES.items() for found in _included(prefix, f"{app}.urls")],
    *problem_pages,
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api_schema"), name="api_docs"),
]

handler400 = "core.http.bad_request"
handler404 = "core.http.not_found"
handler500 = "core.http.server_error"
